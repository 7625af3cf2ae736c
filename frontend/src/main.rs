//! Mounts the app; everything else is in the library.

fn main() {
    finops_frontend::app::start();
}
