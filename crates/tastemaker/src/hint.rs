//! What to do next after an error: the last line that a person sees.

use data::Error;

/// The hint for an error, by the innermost thing that is known to have gone wrong.
pub(crate) fn of(error: &anyhow::Error) -> String {
    for cause in error.chain() {
        if let Some(own) = cause.downcast_ref::<Hinted>() {
            return own.hint.clone();
        }
        if let Some(hint) = cause.downcast_ref::<Error>().and_then(of_data) {
            return hint;
        }
        if let Some(retrieve::Error::Data(inner)) = cause.downcast_ref::<retrieve::Error>()
            && let Some(hint) = of_data(inner)
        {
            return hint;
        }
        if let Some(train::Error::Data(inner)) = cause.downcast_ref::<train::Error>()
            && let Some(hint) = of_data(inner)
        {
            return hint;
        }
        if let Some(train::Error::Setting { .. }) = cause.downcast_ref::<train::Error>() {
            return "`[sasrec]` in `tastemaker config` explains every setting".into();
        }
        if let Some(source) = cause.downcast_ref::<std::io::Error>()
            && let Some(hint) = of_system(source)
        {
            return hint;
        }
    }
    "`tastemaker help` lists the commands, `tastemaker help COMMAND` what each one takes".into()
}

/// An error whose message is `message` and whose hint is `hint`.
pub(crate) fn error(message: impl std::fmt::Display, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Hinted { message: message.to_string(), hint: hint.into(), status: 1 })
}

/// The same for something that the user must provide first, as `bench` does it: the process
/// exits with 3.
pub(crate) fn missing(
    message: impl std::fmt::Display,
    hint: impl Into<String>,
) -> anyhow::Error {
    anyhow::Error::new(Hinted { message: message.to_string(), hint: hint.into(), status: 3 })
}

/// Exit status for an error.
pub(crate) fn status(error: &anyhow::Error) -> u8 {
    error.chain().find_map(|cause| cause.downcast_ref::<Hinted>()).map_or(1, |own| own.status)
}

/// An error that brings its own hint.
#[derive(Debug)]
struct Hinted {
    message: String,
    hint: String,
    status: u8,
}

impl std::fmt::Display for Hinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Hinted {}

fn of_data(error: &Error) -> Option<String> {
    Some(match error {
        Error::Io { source, .. } => return of_system(source),
        Error::Damaged { .. } => {
            "`tastemaker verify DIR` lists everything that is damaged; import \
            the damaged part again into a new folder, or restore it from a copy"
                .into()
        }
        Error::Newer { .. } => {
            "upgrade tastemaker, or open it with the program that wrote it".into()
        }
        Error::Busy { .. } => {
            "wait for the other command to end; if none runs, the lock is free \
            already and the same command works again"
                .into()
        }
        Error::NoLog { path } => {
            format!("`tastemaker import FORMAT PATH --into {}` makes a log", path.display())
        }
        Error::TooManyRejects { .. } => {
            "look at the rejects: the column map or the format may be \
            wrong; `--max-rejects 5%` accepts more"
                .into()
        }
        Error::Input { .. } => {
            "mend that place in the source, or the column map that reads it; \
            `tastemaker help import` names the formats"
                .into()
        }
        Error::Stopped => "run the same command again to begin anew".into(),
        _ => return None,
    })
}

fn of_system(error: &std::io::Error) -> Option<String> {
    use std::io::ErrorKind;
    Some(match error.kind() {
        ErrorKind::NotFound => "check the path".into(),
        ErrorKind::PermissionDenied => "check who may read and write there".into(),
        ErrorKind::StorageFull => {
            "make room on the disk, then run the same command again; nothing \
            half-written stays behind"
                .into()
        }
        ErrorKind::AddrInUse => {
            "another program listens there: name another --listen address, or \
            port 0 for a free one"
                .into()
        }
        ErrorKind::ConnectionRefused => "is the server running? `tastemaker serve DIR`".into(),
        _ => return None,
    })
}
