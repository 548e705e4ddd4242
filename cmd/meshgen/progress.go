package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// stepsPerLine is how many sites pass between two lines of progress where there is no terminal. Smaller fleets are done
// before anybody asks.
const stepsPerLine = 100

// progress tells how far a fleet is: a bar on a terminal, else a line now and then. The zero value tells nothing.
type progress struct {
	w     io.Writer
	total int

	mu    sync.Mutex
	done  int
	bars  *mpb.Progress
	bar   *mpb.Bar
	quiet bool
}

// progress begins to tell of n sites.
func (c *command) progress(n int) *progress {
	p := &progress{w: c.stderr, total: n, quiet: n < 2}
	dumb, _ := c.env("TERM")
	if f, ok := c.stderr.(*os.File); ok && !p.quiet && dumb != "dumb" && isatty.IsTerminal(f.Fd()) {
		p.bars = mpb.New(mpb.WithOutput(f))
		p.bar = p.bars.AddBar(int64(n), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.CountersNoUnit("%d of %d sites ")))
	}
	return p
}

// step counts a site.
func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	switch {
	case p.bar != nil:
		p.bar.Increment()
	case !p.quiet && p.done%stepsPerLine == 0 && p.done < p.total:
		fmt.Fprintf(p.w, "%d of %d sites\n", p.done, p.total)
	}
}

// end takes the bar away, so that what follows has the line.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}
