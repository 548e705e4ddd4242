package main

import (
	"bytes"
	"io"
	"runtime"
	"slices"
	"sync"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/load"
)

// batch is the sites of one run of the program: read, and known to each other.
type batch struct {
	c     *command
	got   []compiled // by site, in the order of the inputs
	fleet *compiler.Fleet
	place []int           // of each site among those that could be read; -1: it could not
	rules map[string]bool // that were looked for in any site: by site they would be most of what stays in memory
	most  uint64
}

// readSites reads the sites, on all processors, and runs the rules across them.
func (c *command) readSites(sites []input, opt compiler.Options) (*batch, error) {
	if slices.ContainsFunc(sites, func(in input) bool { return slices.Contains(in.paths, "-") }) && c.read == nil {
		var err error // whoever writes it may take his time
		if c.read, err = io.ReadAll(io.LimitReader(c.stdin, load.MaxSize+1)); err != nil {
			return nil, failure(err)
		}
	}
	r := &batch{c: c, got: make([]compiled, len(sites)), place: make([]int, len(sites)), rules: map[string]bool{}}
	var err error
	if r.most, err = c.limits.check(); err != nil {
		return nil, err
	}
	loaders := make(chan *load.Loader, workers(len(sites)))
	for range cap(loaders) {
		loaders <- load.NewLoader()
	}
	err = each(len(sites), func(n int) error {
		in := sites[n]
		loader := <-loaders
		got, err := watch(c.limits, r.most, in.name, func() (got compiled, err error) {
			got.in = in
			got.src, got.found = loader.Files(in.paths, load.Options{Stdin: bytes.NewReader(c.read), StdinName: stdinName})
			return got, nil
		})
		if err != nil {
			return err // the loader may still be at work
		}
		loaders <- loader
		c.paced(n)
		if got.src != nil && len(sites) > 1 {
			got.src.Release()
		}
		r.got[n] = got
		return nil
	})
	if err != nil {
		return nil, err
	}
	var sources []*load.Source
	for n, got := range r.got {
		r.place[n] = -1
		if got.src != nil {
			r.place[n] = len(sources)
			sources = append(sources, got.src)
		}
	}
	if r.fleet, err = compiler.NewFleet(sources, opt); err != nil {
		return nil, failure(err)
	}
	return r, nil
}

// stage is one site of a fleet through compiler.Fleet.Vet or Compile.
type stage func(f *compiler.Fleet, n int, opt compiler.Options) (*compiler.Output, error)

// compile takes every site that could be read through the stages, on all processors, and hands what came of it to take,
// one at a time. After that nothing but the findings and the counts of the site stays in memory.
func (r *batch) compile(opt compiler.Options, through stage, bar *progress, take func(got compiled) error) error {
	var one sync.Mutex
	return each(len(r.got), func(n int) error {
		defer bar.step()
		r.c.paced(n)
		got := &r.got[n]
		if got.src == nil {
			return nil
		}
		out, err := watch(r.c.limits, r.most, got.in.name, func() (*compiler.Output, error) {
			out, err := through(r.fleet, r.place[n], opt)
			if err != nil {
				return nil, failure(err)
			}
			return out, nil
		})
		if err != nil {
			return err
		}
		one.Lock()
		defer one.Unlock()
		got.out = out
		if err := take(*got); err != nil {
			return err
		}
		if len(r.got) > 1 {
			got.src.Release()
			got.src = nil
			r.fleet.Forget(r.place[n])
			for id := range out.Rules {
				r.rules[id] = true
			}
			out.Plan, out.Tree, out.Rules = nil, nil, nil
		}
		return nil
	})
}

// pacedEvery is after how many sites the pace of the collector is set anew.
const pacedEvery = 32

// paced sets the pace of the collector, at a site now and then.
func (c *command) paced(site int) {
	if c.pace != nil && site%pacedEvery == pacedEvery-1 {
		c.pace()
	}
}

// outcome is what was found in all sites, in their order.
func (r *batch) outcome() outcome {
	var all outcome
	for _, got := range r.got {
		all.add(got)
	}
	for _, rules := range []map[string]bool{r.rules, r.fleet.Rules} {
		for id := range rules {
			all.rules[id] = true
		}
	}
	return all
}

// workers is how many of n pieces of work run at a time.
func workers(n int) int { return min(n, runtime.GOMAXPROCS(0)) }

// each does n pieces of work, several at a time, and returns the error of the first that failed. After an error no other
// piece is begun, and all that were are ended.
func each(n int, work func(n int) error) error {
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		next  int
		errs  = make([]error, n)
		stop  bool
	)
	for range workers(n) {
		group.Go(func() {
			for {
				mu.Lock()
				i := next
				if stop || i == n {
					mu.Unlock()
					return
				}
				next++
				mu.Unlock()
				if err := sheltered(i, work); err != nil {
					mu.Lock()
					errs[i], stop = err, true
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// sheltered makes an error of a panic: in another goroutine nobody else would catch it.
func sheltered(n int, work func(n int) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = crashOf(p)
		}
	}()
	return work(n)
}
