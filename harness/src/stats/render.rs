//! The figures in lines for a terminal. What they are is the parent's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Decisions, Stats, percent};

impl Stats {
    /// The figures in lines for a terminal.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let discards: u64 = self.discards.values().sum();
        writeln!(
            out,
            "cases                {:>9}   distinct {:>5.1} %",
            self.cases,
            percent(self.distinct_cases, self.cases)
        )?;
        writeln!(
            out,
            "requests             {:>9}   distinct {:>5.1} %",
            self.requests,
            100.0 * self.distinct_request_share()
        )?;
        writeln!(
            out,
            "decisions            {:>9}   allow {:.1} %, deny {:.1} %, error {:.1} %",
            self.decisions.total(),
            100.0 * self.allow_share(),
            percent(self.decisions.deny, self.decisions.total()),
            percent(self.decisions.error, self.decisions.total()),
        )?;
        writeln!(
            out,
            "both decisions       {:>9}   {:.1} % of the cases",
            self.both_decisions,
            percent(self.both_decisions, self.cases)
        )?;
        writeln!(
            out,
            "flipping pairs       {:>9}   in {:.1} % of the cases",
            self.flipping_pairs.values().sum::<u64>(),
            percent(self.cases_with_flipping_pair, self.cases)
        )?;
        for (fact, count) in &self.flipping_pairs {
            writeln!(out, "  {fact:<19}{count:>9}")?;
        }
        writeln!(
            out,
            "discards             {discards:>9}   {:.1} % of all drawn",
            100.0 * self.discard_share()
        )?;
        for (reason, count) in &self.discards {
            writeln!(out, "  {reason:<19}{count:>9}")?;
        }
        writeln!(
            out,
            "policies             {:>9}   trivial {:.1} %",
            self.policies,
            100.0 * self.trivial_share()
        )?;
        for (name, spread) in [
            ("steps a case", &self.steps_per_case),
            ("policies a case", &self.policies_per_case),
            ("layers a case", &self.layers_per_case),
        ] {
            writeln!(
                out,
                "{name:<21}{:>9.1}   from {} to {}, half at most {}",
                spread.mean, spread.least, spread.most, spread.median
            )?;
        }
        writeln!(out, "\ncases with")?;
        for (layer, count) in &self.layers {
            writeln!(out, "  {layer:<28}{count:>9}  {:>5.1} %", percent(*count, self.cases))?;
        }
        write_decisions(out, "operation", &self.operations)?;
        write_decisions(out, "rule", &self.rules)?;
        self.write_shapes(out)?;
        let reached = self
            .rules
            .values()
            .filter(|decisions| decisions.allow > 0 && decisions.deny > 0)
            .count();
        writeln!(
            out,
            "\nrules reached        {:>9}   in allowed and denied outcomes {reached}",
            self.rules.len()
        )?;
        writeln!(out, "\nerror codes")?;
        for (code, count) in &self.codes {
            writeln!(out, "  {code:<40}{count:>9}")?;
        }
        if let Some(cells) = &self.cells {
            cells.write(out)?;
        }
        self.write_unreached(out)
    }

    /// Operations with requests of another form than the plain one.
    fn write_shapes(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\noperation × shape")?;
        for (operation, shapes) in &self.shapes {
            if shapes.len() > 1 || !shapes.contains_key("header") {
                let list: Vec<String> = shapes.iter().map(|(shape, count)| format!("{shape} {count}")).collect();
                writeln!(out, "  {operation:<40} {}", list.join(", "))?;
            }
        }
        Ok(())
    }

    fn write_unreached(&self, out: &mut String) -> std::fmt::Result {
        let unreached = &self.unreached;
        writeln!(out, "\nnot reached")?;
        for (what, names) in [
            ("operations with allow", &unreached.operations_without_allow),
            ("operations with deny", &unreached.operations_without_deny),
            ("cells rule × outcome", &unreached.cells),
        ] {
            writeln!(out, "  {what:<24}{:>4}  {}", names.len(), names.join(" "))?;
        }
        for (what, why) in &unreached.out_of_reach {
            writeln!(out, "  {what}: {why}")?;
        }
        let hit = &self.out_of_reach_yet_hit;
        if !hit.is_empty() {
            writeln!(out, "\nout of reach by the list, yet hit: {}", hit.join(", "))?;
        }
        Ok(())
    }
}

fn write_decisions(out: &mut String, title: &str, table: &BTreeMap<String, Decisions>) -> std::fmt::Result {
    writeln!(
        out,
        "\n{title:<42}{:>9}{:>9}{:>9}{:>9}",
        "allow", "deny", "error", "allow %"
    )?;
    for (name, decisions) in table {
        writeln!(
            out,
            "  {name:<40}{:>9}{:>9}{:>9}{:>9.1}",
            decisions.allow,
            decisions.deny,
            decisions.error,
            percent(decisions.allow, decisions.total())
        )?;
    }
    Ok(())
}
