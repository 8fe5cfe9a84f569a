// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// leak.rs - the same in Rust: store::Registry::insert keeps boxes, web::render drops its strings.
//
//	leak [MB_PER_S]		until SIGTERM or the end of stdin; {"event":"ready"} on stdout
use std::io::{Read, Write};
use std::time::Duration;

mod store {
    pub struct Session {
        pub id: u64,
        pub payload: Vec<u8>,
    }

    #[derive(Default)]
    pub struct Registry {
        sessions: Vec<Box<Session>>,
    }

    impl Registry {
        #[inline(never)]
        pub fn insert(&mut self, id: u64) -> usize {
            let payload = vec![id as u8 | 1; 3000]; // LEAK
            self.sessions.push(Box::new(Session { id, payload })); // LEAK
            self.sessions.len() + self.sessions[0].id as usize + self.sessions[0].payload.len()
        }
    }
}

mod web {
    #[inline(never)]
    pub fn render(id: u64) -> usize {
        (0..24).map(|i| vec![(id + i) as u8; 500]).map(|line| line[(id % 500) as usize] as usize).sum()
    }

    #[inline(never)]
    pub fn handle(registry: &mut crate::store::Registry, id: u64) -> usize {
        let length = render(id);
        registry.insert(id) + length
    }
}

fn main() {
    let rate: f64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(4.0);
    let mut registry = store::Registry::default();
    let mut sink = 0usize;
    let mut id = 0u64;

    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    println!("{{\"event\":\"ready\",\"pid\":{}}}", std::process::id());
    std::io::stdout().flush().unwrap();
    loop {
        let mut due = rate * 1e4;
        while due > 0.0 && id < 400_000_000 / 3000 {
            sink = sink.wrapping_add(web::handle(&mut registry, id));
            id += 1;
            due -= 3000.0;
        }
        std::thread::sleep(Duration::from_millis(10));
        std::hint::black_box(sink);
    }
}
