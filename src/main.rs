//! The command `plimsoll`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    plimsoll::cli::run(std::env::args_os())
}
