// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

// Methods, closures, and code that is inlined.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

type Store struct {
	items map[string][]byte
	parts []string
}

//go:noinline
func (s *Store) Keep(key string, n int) {
	s.items[key] = make([]byte, n)
}

func add(s *Store, x string) {
	s.parts = append(s.parts, strings.Repeat(x, 3))
}

func main() {
	s := &Store{items: map[string][]byte{}}
	for i := 0; i < 10; i++ {
		s.Keep(fmt.Sprint(i), i*100)
		add(s, "x")
	}
	f := func() { add(s, "y") }
	f()
	fmt.Println("ready", len(s.items))
	bufio.NewReader(os.Stdin).ReadString('\n')
}
