//! One machine that serves several models.

use super::{Server, ServerError, Source};
use cutpoint_core::profile::{Member, Profile};

impl Server {
    /// The machine as the server of a set of models, given as it serves each of `members`: every
    /// model is a request of its own, so what the serving engine adds is added for each.
    ///
    /// # Errors
    /// Different machines; see also [`Profile::union`].
    pub fn union(members: &[(Member<'_>, &Server)]) -> Result<Server, ServerError> {
        let Some(((_, first), others)) = members.split_first() else {
            return Err(ServerError::MixedSet(String::new(), String::new()));
        };
        if let Some((_, other)) = others.iter().find(|(_, other)| other.name != first.name) {
            return Err(ServerError::MixedSet(
                first.name.clone(),
                other.name.clone(),
            ));
        }
        let mixed = || ServerError::MixedSet(first.name.clone(), first.name.clone());
        let profiles = |base: fn(&Source) -> Option<&Profile>| {
            let there = members.iter().map(|(member, server)| {
                let profile = base(&server.source).ok_or_else(mixed)?;
                Ok(Member { profile, ..*member })
            });
            let there = there.collect::<Result<Vec<_>, ServerError>>()?;
            Ok::<_, ServerError>(Box::new(Profile::union(&there)?))
        };
        let source = match &first.source {
            Source::Measured(_) => Source::Measured(profiles(measured)?),
            Source::Simulated(None, speed) => {
                let alike = |server: &Server| matches!(&server.source, Source::Simulated(None, other) if other == speed);
                if !members.iter().all(|(_, server)| alike(server)) {
                    return Err(mixed());
                }
                first.source.clone()
            }
            Source::Simulated(Some(_), speed) => Source::Simulated(Some(profiles(scaled)?), *speed),
        };
        Ok(Server {
            request_us: members.iter().map(|(_, server)| server.request_us).sum(),
            source,
            ..(*first).clone()
        })
    }
}

fn measured(source: &Source) -> Option<&Profile> {
    match source {
        Source::Measured(profile) => Some(profile),
        Source::Simulated(..) => None,
    }
}

fn scaled(source: &Source) -> Option<&Profile> {
    match source {
        Source::Simulated(Some(profile), _) => Some(profile),
        _ => None,
    }
}
