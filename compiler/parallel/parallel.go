// Package parallel does the pieces of one piece of work at the same time: in come functions that touch nothing of each
// other's, out goes nothing before all have ended. What is made of their results must not depend on which ended first.
package parallel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Panic is what Each and Do panic with when a piece did, in the goroutine of the caller: who recovers there sees it all.
type Panic struct {
	Value any    // of the piece's own panic
	Stack []byte // of the piece
}

// String says what the piece panicked with.
func (p *Panic) String() string { return fmt.Sprint(p.Value) }

// Do calls each function.
func Do(work ...func()) { Each(len(work), func(i int) { work[i]() }) }

// Each calls do with 0 to n-1, begun in that order, as many at a time as there are processors. After a panic no other piece
// is begun.
func Each(n int, do func(i int)) {
	var (
		group sync.WaitGroup
		next  atomic.Int64
		first atomic.Pointer[Panic]
	)
	work := func() {
		defer func() {
			if v := recover(); v != nil {
				first.CompareAndSwap(nil, &Panic{v, debug.Stack()})
			}
		}()
		for i := int(next.Add(1)) - 1; i < n && first.Load() == nil; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	for range min(n, runtime.GOMAXPROCS(0)) - 1 {
		group.Go(work)
	}
	work() // the caller's own share
	group.Wait()
	if p := first.Load(); p != nil {
		panic(p)
	}
}
