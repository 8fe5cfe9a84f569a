// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//! Names to be demangled, generics, traits, closures, and code that is inlined.
use std::collections::HashMap;

mod store {
    pub struct Store {
        pub kept: Vec<Vec<u8>>,
    }

    impl Store {
        #[inline(never)]
        pub fn keep(&mut self, n: usize) {
            self.kept.push(vec![1u8; n]);
        }
    }

    pub trait Grow {
        fn grow(&mut self);
    }

    impl Grow for Store {
        #[inline(never)]
        fn grow(&mut self) {
            for i in 0..10 {
                self.keep(i * 100);
            }
        }
    }
}

use store::Grow;

#[inline(never)]
fn repeat<T: Clone>(x: T, n: usize) -> Vec<T> {
    vec![x; n]
}

fn main() {
    let mut s = store::Store { kept: Vec::new() };
    let mut m: HashMap<String, Vec<String>> = HashMap::new();
    let mut line = String::new();

    s.grow();
    for i in 0..100 {
        m.entry(format!("k{}", i % 7)).or_default().push(i.to_string());
    }
    let c = |x: usize| repeat(format!("{}", x), x);
    println!("ready {} {} {}", m.len(), c(5).len(), s.kept.len());
    std::io::stdin().read_line(&mut line).unwrap();
}
