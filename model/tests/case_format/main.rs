//! The Case format as a reader and writer meets it: places of faults, hints, limits, round trips, the checked-in schema.
#![forbid(unsafe_code)]

mod faults;
mod forms;
mod hostile;
