//! What the tables of the specification count is exercised, in the model and over the wire, and counted from the tables themselves: every
//! expected step of the five documents, every trap, every operation in every key state, and every permission of every operation taken away
//! once. What one table has and no probe shows fails here.
#![cfg(feature = "wire")]

mod corpus;
mod permissions;
mod probe;
mod states;
