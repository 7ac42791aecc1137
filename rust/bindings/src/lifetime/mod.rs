//! How long things live, and on which thread they run: the whole story, and its rules side by side.
//!
//! **Who drives.** Nothing runs by itself. The thread that calls into the module detaches from the
//! interpreter and drives the connection's runtime until its answer is there ([`blocking`]): no wake-up
//! crosses threads. Every 40 ms it attaches again for signals, so that Ctrl-C ends any wait.
//!
//! **Lanes.** One runtime for small calls, one for large results, which would keep the calls of other
//! threads waiting, and one with a thread of its own for writers ([`lanes`]). A thread gives the first two
//! a turn every 2 s, so that idle connections answer the gateway's keepalive.
//!
//! **Fork.** Threads and sockets belong to the process that made them. In the child of a fork they can neither be
//! used nor dropped, as their locks may be held by threads that do not exist there. So every such value is
//! [`ProcessBound`]: it carries the [`generation`] of its process, refuses to be used in another, and
//! is leaked there instead of dropped. What can be made anew (a connection, a prepared stream) is.
//!
//! **Exit.** While the interpreter exits, a thread must not attach: CPython would end it in the middle of Rust's
//! frames. [`detached_call`] keeps count of the threads that are out, and parks those that come back too
//! late; [`_shut_down`] waits a moment for them, then ends the runtimes ([`exit`]).
//!
//! **Locks.** A lock is taken only while attached, and never across a wait: a fork needs the interpreter, too,
//! and so cannot happen while another thread holds one.

mod blocking;
mod exit;
mod generation;
mod lanes;

pub(crate) use blocking::{block_on, block_on_lane};
pub(crate) use exit::_after_fork;
pub(crate) use generation::{ProcessBound, generation};
pub(crate) use lanes::{_shut_down, Lane, current};
