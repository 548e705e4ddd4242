package main

import (
	"fmt"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"meshgen.dev/meshgen/compiler/parallel"
	"meshgen.dev/meshgen/compiler/site"
)

// Limits of what one compilation may cost. The largest site in use takes a hundredth of the time and a quarter of the
// memory; what takes more is a loop that does not end in any useful time. Evaluation cannot be stopped from outside, so
// the process ends instead.
const (
	defaultMaxTime   = 10 * time.Second
	defaultMaxMemory = "1Gi"
	watchInterval    = 50 * time.Millisecond
)

// limits are the flags of the watchdog. 0 lifts a limit.
type limits struct {
	time   time.Duration
	memory string // Kubernetes quantity of bytes
}

func (l *limits) register(flags *pflag.FlagSet) {
	flags.DurationVar(&l.time, "max-time", defaultMaxTime, "give up on a site that takes longer to compile; 0: no limit")
	flags.StringVar(&l.memory, "max-memory", defaultMaxMemory, "give up on a site that takes more memory, as 512Mi or 2Gi; 0: no limit")
}

// bytes returns the limit of memory.
func (l *limits) bytes() (uint64, error) {
	if l.memory == "0" {
		return math.MaxInt64, nil
	}
	n := int64(0)
	if l.memory != "" {
		n = site.ParseQuantity(l.memory)
	}
	if n <= 0 {
		return 0, usage("--max-memory %q is not a quantity such as 1Gi", l.memory)
	}
	return uint64(n), nil
}

// check refuses limits that are none, and returns that of memory.
func (l limits) check() (most uint64, err error) {
	if most, err = l.bytes(); err == nil && l.time < 0 {
		err = usage("--max-time %s is negative", l.time)
	}
	return most, err
}

// within is watch for a single piece of work.
func within[T any](l limits, what string, work func() (T, error)) (none T, err error) {
	most, err := l.check()
	if err != nil {
		return none, err
	}
	return watch(l, most, what, work)
}

// watch runs work that evaluates what users wrote, and gives up on it beyond the limits: then work still runs, and the
// caller has to end the process without touching what work uses. Work must write nothing but memory. The limit of time is
// for this work, that of memory for the process.
func watch[T any](l limits, most uint64, what string, work func() (T, error)) (none T, err error) {
	// Near the limit it is better to collect garbage early than to give up because of it.
	debug.SetMemoryLimit(int64(most - most/8))
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- result{err: crashOf(p)}
			}
		}()
		value, err := work()
		done <- result{value, err}
	}()
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for start := time.Now(); ; {
		select {
		case r := <-done:
			return r.value, r.err
		case <-tick.C:
		}
		switch {
		case l.time > 0 && time.Since(start) > l.time:
			return none, tooExpensive(what, l.time.String(), "--max-time")
		case memoryInUse() > most:
			return none, tooExpensive(what, l.memory+"B of memory", "--max-memory")
		}
	}
}

func tooExpensive(what, limit, flag string) error {
	return exit{exitFindings, fmt.Errorf("%s takes more than %v to compile: look for a loop or a list without useful bounds, or raise %s", what, limit, flag)}
}

// memoryInUse returns the bytes that the process holds of the system, without stopping it as ReadMemStats does.
func memoryInUse() uint64 {
	m := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(m)
	return m[0].Value.Uint64() - m[1].Value.Uint64()
}

// crash is a panic: a fault of meshgen itself.
type crash struct {
	value any
	stack []byte
}

// crashOf is a panic that was recovered here, with the stack of where it was: a piece of parallel work has its own.
func crashOf(recovered any) *crash {
	if p, ok := recovered.(*parallel.Panic); ok {
		return &crash{p.Value, p.Stack}
	}
	return &crash{recovered, debug.Stack()}
}

func (c *crash) Error() string { return fmt.Sprintf("internal error: %v", c.value) }

// oneLine is what a panic says, its first line.
func oneLine(p *crash) string {
	line, _, _ := strings.Cut(p.Error(), "\n")
	return line
}

// crashed tells of a panic in one line. The stack is for those who ask for it with MESHGEN_DEBUG.
func (c *command) crashed(p *crash) int {
	fmt.Fprintf(c.stderr, "meshgen: %s; please report this with the site that caused it\n", oneLine(p))
	if v, ok := c.env("MESHGEN_DEBUG"); ok && v != "" {
		fmt.Fprintf(c.stderr, "%s", p.stack)
	}
	return exitFailure
}
