//! The measurement as a table for people. The figures are made elsewhere.

use std::fmt::Write as _;

use super::{FaultReport, Measurement};

/// The measurement as a table, the sums below it.
pub fn render(measurement: &Measurement) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_rows(&mut text, measurement);
    text.push('\n');
    for line in Sums::of(measurement).lines(measurement) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn write_rows(out: &mut String, measurement: &Measurement) -> std::fmt::Result {
    writeln!(
        out,
        "{:<44} {:<10} {:>9} {:>9} {:>9} {:>7} {:>13}  {:<9} {:>8}  decided by",
        "fault", "breaks", "reached", "triggered", "detected", "median", "95%", "by", "shrunk"
    )?;
    for report in &measurement.faults {
        let figures = &report.figures;
        let of = |count: usize| format!("{count}/{}", report.seeds.len());
        write!(
            out,
            "{:<44} {:<10} {:>9} {:>9} {:>9} {:>7} {:>13}  ",
            report.id,
            report.rule,
            of(figures.reached),
            of(figures.triggered),
            of(figures.detected),
            count(figures.median),
            format!("{}–{}", count(figures.interval.0), count(figures.interval.1)),
        )?;
        match &report.exemplar {
            Some(exemplar) => writeln!(
                out,
                "{:<9} {:>8}  {}",
                tiers(report),
                format!("{}+{}", exemplar.after.steps, exemplar.after.statements),
                exemplar.decided_by
            )?,
            None => writeln!(out, "{:<9} {:>8}  {}", "-", "-", why_not(report, measurement))?,
        }
    }
    Ok(())
}

fn count(count: Option<u64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| count.to_string())
}

/// The tier that saw it, or both if it changes from seed to seed.
fn tiers(report: &FaultReport) -> String {
    let mut tiers: Vec<String> = report
        .seeds
        .iter()
        .filter_map(|seed| seed.tier)
        .map(|tier| tier.to_string())
        .collect();
    tiers.sort_unstable();
    tiers.dedup();
    match tiers.as_slice() {
        [one] => one.clone(),
        _ => "both".to_owned(),
    }
}

/// How far a fault came that nothing detected.
fn why_not(report: &FaultReport, measurement: &Measurement) -> &'static str {
    let figures = &report.figures;
    if figures.detected > 0 {
        "no exemplar: the run was interrupted"
    } else if figures.triggered > 0 {
        "NOT FOUND: what it changes is not compared, or disputed anyway"
    } else if figures.reached > 0 {
        "NOT FOUND: no case makes a difference to it"
    } else if measurement.interrupted {
        "not found before the run was interrupted"
    } else {
        "NOT FOUND: no case reaches it"
    }
}

/// What the figures come to over all faults.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Sums {
    /// Faults measured.
    pub faults: usize,
    /// Faults that every seed detected.
    pub found: usize,
    /// Faults that some seed did not detect.
    pub missed: Vec<String>,
    /// The median over the faults of each fault's median number of cases.
    pub median_cases: Option<u64>,
    /// The most cases that any fault needed under any seed; none if one was missed.
    pub slowest: Option<u64>,
    /// The median over the faults of the shrunk case's steps; requests of a case without a world.
    pub median_steps: Option<usize>,
    /// The median over the faults of the shrunk case's statements.
    pub median_statements: Option<usize>,
    /// Shrunk cases from which something more could be taken: the budget ran out.
    pub not_minimal: usize,
}

impl Sums {
    /// The sums of a measurement.
    pub fn of(measurement: &Measurement) -> Self {
        let reports = &measurement.faults;
        let exemplars = || reports.iter().filter_map(|report| report.exemplar.as_ref());
        let counts = reports
            .iter()
            .flat_map(|report| &report.seeds)
            .map(|seed| seed.detected_after);
        Self {
            faults: reports.len(),
            found: reports.iter().filter(|report| report.found()).count(),
            missed: reports
                .iter()
                .filter(|report| !report.found())
                .map(|report| report.id.clone())
                .collect(),
            median_cases: median(reports.iter().map(|report| report.figures.median.unwrap_or(u64::MAX)))
                .filter(|median| *median != u64::MAX),
            slowest: counts
                .collect::<Option<Vec<u64>>>()
                .and_then(|counts| counts.into_iter().max()),
            median_steps: median(exemplars().map(|exemplar| exemplar.after.steps)),
            median_statements: median(exemplars().map(|exemplar| exemplar.after.statements)),
            not_minimal: exemplars().filter(|exemplar| !exemplar.minimal).count(),
        }
    }

    fn lines(&self, measurement: &Measurement) -> Vec<String> {
        let text = |count: Option<usize>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let mut lines = vec![
            format!(
                "{} of {} faults found on every seed ({} seeds, up to {} cases each)",
                self.found,
                self.faults,
                measurement.seeds.len(),
                measurement.cases
            ),
            format!(
                "cases to detection: median over the faults {}, slowest fault and seed {}",
                count(self.median_cases),
                count(self.slowest)
            ),
            format!(
                "shrunk cases: median {} step(s) and {} statement(s); {} could be smaller still",
                text(self.median_steps),
                text(self.median_statements),
                self.not_minimal
            ),
        ];
        if !self.missed.is_empty() {
            lines.push(format!("missed on some seed: {}", self.missed.join(", ")));
        }
        if measurement.interrupted {
            lines.push("interrupted: what was not found may yet be".to_owned());
        }
        lines
    }
}

/// The lower median.
fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut sorted: Vec<T> = values.collect();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{Sums, median, render};
    use crate::faults::{FaultReport, Figures, Measurement, SeedReport, Tier};

    fn measurement(counts: &[&[Option<u64>]]) -> Measurement {
        let faults = counts
            .iter()
            .zip(["one", "two", "three"])
            .map(|(counts, id)| {
                let seeds: Vec<SeedReport> = counts
                    .iter()
                    .zip(1..)
                    .map(|(detected_after, seed)| SeedReport {
                        seed,
                        reached_after: Some(1),
                        triggered_after: *detected_after,
                        detected_after: *detected_after,
                        tier: detected_after.map(|_| Tier::World),
                    })
                    .collect();
                FaultReport {
                    id: id.to_owned(),
                    rule: "svc:K-4".to_owned(),
                    story: "s".to_owned(),
                    class: None,
                    visible_to: "world".to_owned(),
                    figures: Figures::of(&seeds),
                    seeds,
                    exemplar: None,
                }
            })
            .collect();
        Measurement {
            seeds: vec![1, 2],
            cases: 500,
            tiers: vec![Tier::World],
            interrupted: false,
            faults,
        }
    }

    #[test]
    fn what_was_not_found_is_said_to_be_so() {
        let found = [Some(3), Some(8)];
        let missed = [Some(9), None];
        let never = [None, None];
        let all = measurement(&[&found, &missed, &never]);
        let sums = Sums::of(&all);
        assert_eq!((sums.faults, sums.found), (3, 1));
        assert_eq!(sums.missed, ["two", "three"]);
        assert_eq!((sums.median_cases, sums.slowest), (Some(9), None));
        let text = render(&all);
        assert!(text.contains("1 of 3 faults found on every seed"), "{text}");
        assert!(text.contains("NOT FOUND: no case makes a difference to it"), "{text}");
        assert!(text.contains("missed on some seed: two, three"), "{text}");
        assert_eq!(Sums::of(&measurement(&[&found])).slowest, Some(8));
    }

    #[test]
    fn the_median_is_the_lower_one() {
        assert_eq!(median([4, 1, 3, 2].into_iter()), Some(2));
        assert_eq!(median(std::iter::empty::<u64>()), None);
    }
}
