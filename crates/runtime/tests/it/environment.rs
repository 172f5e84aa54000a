//! The one environment of a process, and what its runtime prints.

use cutpoint_runtime::{RuntimeError, environment, library, providers};

#[test]
fn a_process_has_one_environment_for_ever() {
    let library = library::find_or_fetch(&mut |_| ()).unwrap();
    let first = environment(&library, 1).unwrap();
    assert!(std::ptr::eq(first, environment(&library, 1).unwrap()));
    assert!(matches!(
        environment(&library, 2),
        Err(RuntimeError::Open {
            open_threads: 1,
            threads: 2,
            ..
        })
    ));
    assert!(providers(first).unwrap().contains(&"cpu"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(std::ptr::eq(first, environment(&library, 1).unwrap())));
        }
    });
}
