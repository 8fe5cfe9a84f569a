// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
//
// leak.go - the same in Go: (*Registry).Insert keeps its slices, render takes its buffers from a pool
// and gives them back. (Garbage would not do: like every collected heap Go's takes fresh pages for it.)
//
//	leak [MB_PER_S]		until SIGTERM or the end of stdin; {"event":"ready"} on stdout
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

type Registry struct {
	sessions [][]byte
}

var buffers = sync.Pool{New: func() interface{} { return new([4096]byte) }}

//go:noinline
func (r *Registry) Insert(id int) {
	session := make([]byte, 3072) // LEAK
	for i := range session {
		session[i] = byte(id) // LEAK
	}
	r.sessions = append(r.sessions, session) // LEAK
}

//go:noinline
func render(id int) int {
	length := 0
	for i := 0; i < 3; i++ {
		buffer := buffers.Get().(*[4096]byte)
		for n := range buffer {
			buffer[n] = byte(id + n)
		}
		length += int(buffer[id%4096])
		buffers.Put(buffer)
	}
	return length
}

//go:noinline
func handle(registry *Registry, id int) int {
	length := render(id)
	registry.Insert(id)
	return length
}

func main() {
	rate := 4.0
	if len(os.Args) > 1 {
		rate, _ = strconv.ParseFloat(os.Args[1], 64)
	}
	registry := &Registry{}
	sink, id := 0, 0

	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("{\"event\":\"ready\",\"pid\":%d}\n", os.Getpid())
	for {
		for due := rate * 1e4; due > 0 && id < 400000000/3072; due -= 3072 {
			sink += handle(registry, id)
			id++
		}
		time.Sleep(10 * time.Millisecond)
		if sink < 0 {
			fmt.Println(sink)
		}
	}
}
