mod terminal;
mod cmd { pub(crate) mod import; pub(crate) mod verify; }
use clap::Parser;
#[derive(Parser)]
enum Cli { Import(cmd::import::ImportArgs), Verify(cmd::verify::VerifyArgs) }
fn main() -> anyhow::Result<()> {
    terminal::hear_stop()?;
    match Cli::parse() { Cli::Import(a) => cmd::import::run(&a), Cli::Verify(a) => cmd::verify::run(&a) }
}
