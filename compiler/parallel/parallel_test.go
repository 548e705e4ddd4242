package parallel

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 2, 100} {
		done := make([]int, n)
		Each(n, func(i int) { done[i]++ })
		for i, times := range done {
			if times != 1 {
				t.Errorf("of %d pieces, piece %d was done %d times", n, i, times)
			}
		}
	}
}

// TestTogether has each of two pieces wait for the other: done one after another, the first would wait in vain.
func TestTogether(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	const patience = time.Minute
	here, there := make(chan struct{}), make(chan struct{})
	meet := func(come, wait chan struct{}) func() {
		return func() {
			close(come)
			select {
			case <-wait:
			case <-time.After(patience):
				t.Error("the other piece was not begun")
			}
		}
	}
	Do(meet(here, there), meet(there, here))
}

// TestPanic has a panic of any piece be the caller's, after all that were begun have ended.
func TestPanic(t *testing.T) {
	var running atomic.Int32
	for at := range 3 {
		func() {
			defer func() {
				p, ok := recover().(*Panic)
				if !ok || p.String() != "broken" || !strings.Contains(string(p.Stack), "TestPanic") {
					t.Errorf("piece %d: recovered %v", at, p)
				}
				if n := running.Load(); n != 0 {
					t.Errorf("piece %d: %d pieces are still at work", at, n)
				}
			}()
			Each(3, func(i int) {
				running.Add(1)
				defer running.Add(-1)
				if i == at {
					panic("broken")
				}
			})
		}()
	}
}
