//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"meshgen.dev/meshgen/compiler/load"
)

// rounds is how often each row is run, fleetRounds how often those of the fleet; the table has medians.
const (
	rounds      = 20
	fleetRounds = 5
)

// fleetSites is how many sites the fleet of the benchmark has.
const fleetSites = 1000

// job is one row of the table: a command of a fresh process.
type job struct {
	name   string
	cmd    func() *exec.Cmd
	budget string
	over   func(m, reference measured) bool
	ratio  bool // show the time as a multiple of the reference
	exit   int  // code that it ends with
}

// measured is what a process took: the time until its end, that of all processors, and the most memory that it held.
type measured struct {
	wall, cpu time.Duration
	rss       int64 // bytes
}

// BenchmarkBudgets times the program as fresh processes on small and large sites, beside "cue vet" with the same
// schema on the same input in the same run, and prints a table. Each round runs every row once, so that a slow moment
// of the machine meets them all. The tree is written to memory. MESHGEN_BIN and CUE_BIN name the programs.
func BenchmarkBudgets(b *testing.B) {
	bin, cue := os.Getenv("MESHGEN_BIN"), os.Getenv("CUE_BIN")
	if bin == "" || cue == "" {
		b.Skip("MESHGEN_BIN and CUE_BIN name no programs; make bench does")
	}
	dir, err := os.MkdirTemp("/dev/shm", "meshgen-bench")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	example, err := os.ReadFile("../../examples/fra1/site.cue")
	if err != nil {
		b.Fatal(err)
	}
	for range b.N {
		fleet := filepath.Join(dir, "fleet")
		generatedFleet(b, fleet, fleetSites)
		table(b, fmt.Sprintf("fleet of %d sites", fleetSites), fleetRounds, fleetJobs(bin, dir))
		table(b, "18 nodes", rounds, small(bin, benchSite(b, dir, "small", string(example))))
		for _, s := range []size{{50, 40, 0}, {50, 40, 500}} {
			name := fmt.Sprintf("%d nodes, %d racks, %d services", s.racks*s.nodesPerRack, s.racks, s.services+8)
			text := generatedSite(b, string(example), s)
			table(b, name, rounds, large(bin, cue, benchSite(b, dir, name, text)))
			table(b, name+", compared", fleetRounds, compared(b, bin, dir, text))
		}
	}
}

func small(bin, dir string) []job {
	within := func(most time.Duration) func(m, _ measured) bool {
		return func(m, _ measured) bool { return m.wall > most }
	}
	return []job{
		{name: "vet", cmd: run(bin, "vet", dir+"/site.cue"), budget: "100 ms", over: within(100 * time.Millisecond)},
		{name: "build", cmd: fresh(dir, bin), budget: "150 ms", over: within(150 * time.Millisecond)},
		{name: "build, unchanged", cmd: run(bin, "build", "-o", dir+"/same", dir+"/site.cue"), budget: "150 ms", over: within(150 * time.Millisecond)},
	}
}

// fleetJobs show beside the time of a fleet that memory hardly grows with it: a tenth of the sites stand first, as the
// reference. What a site leaves for the others, and its files for the tree, is some 20 KiB.
func fleetJobs(bin, dir string) []job {
	over := func(m, tenth measured) bool { return m.wall > 8*time.Second || m.rss > 2*tenth.rss }
	in := dir + "/fleet/"
	build := func(args ...string) func() *exec.Cmd {
		return func() *exec.Cmd {
			os.RemoveAll(dir + "/fleet.out")
			return exec.Command(bin, append([]string{"build", "-o", dir + "/fleet.out"}, args...)...)
		}
	}
	return []job{
		{name: fmt.Sprintf("build, %d", fleetSites/10), cmd: build(in + "0")},
		{name: fmt.Sprintf("build, %d", 3*fleetSites/10), cmd: build(in+"0", in+"1", in+"2")},
		{name: fmt.Sprintf("build, %d", fleetSites), cmd: build(in + "..."), budget: "8 s, 2 x the memory", over: over},
		{name: "build, unchanged", cmd: run(bin, "build", "-o", dir+"/fleet.out", in+"..."), budget: "8 s", over: over},
		{name: "vet", cmd: run(bin, "vet", in+"...")},
	}
}

// large compares with the first job.
func large(bin, cue, dir string) []job {
	within := func(times float64) func(m, ref measured) bool {
		return func(m, ref measured) bool { return float64(m.wall) > times*float64(ref.wall) || m.rss > 400<<20 }
	}
	vet := func() *exec.Cmd {
		c := exec.Command(cue, "vet", "-c", ".")
		c.Dir = filepath.Join(dir, "cue")
		return c
	}
	return []job{
		{name: "cue vet", cmd: vet, ratio: true},
		{name: "vet", cmd: run(bin, "vet", dir+"/site.cue"), budget: "1.5 x, 400 MiB", over: within(1.5), ratio: true},
		{name: "build", cmd: fresh(dir, bin), budget: "6 x, 400 MiB", over: within(6), ratio: true},
	}
}

// compared are comparisons of two states, in which something differs at every machine and every switch.
func compared(b *testing.B, bin, dir, text string) []job {
	other := strings.NewReplacer(`holdTime:      "9s"`, `holdTime:      "12s"`, `address: "10.21.0.5"`, `address: "10.22.0.5"`).Replace(text)
	old, new := benchSite(b, dir, "old", text), benchSite(b, dir, "new", other)
	for _, d := range []string{old, new} {
		if out, err := exec.Command(bin, "build", "-o", d+"/out", d+"/site.cue").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%.2000s", err, out)
		}
	}
	within := func(m, _ measured) bool { return m.wall > 2*time.Second }
	return []job{
		{name: "diff of trees", cmd: run(bin, "diff", old+"/out", new+"/out"), budget: "2 s", over: within, exit: exitFindings},
		{name: "diff of sites", cmd: run(bin, "diff", old+"/site.cue", new+"/site.cue"), exit: exitFindings},
	}
}

func run(bin string, args ...string) func() *exec.Cmd {
	return func() *exec.Cmd { return exec.Command(bin, args...) }
}

// fresh builds into a folder that is not there.
func fresh(dir, bin string) func() *exec.Cmd {
	return func() *exec.Cmd {
		os.RemoveAll(dir + "/out")
		return exec.Command(bin, "build", "-o", dir+"/out", dir+"/site.cue")
	}
}

// benchSite writes a site for meshgen, and for cue into one package with the schema.
func benchSite(b *testing.B, dir, name, text string) string {
	dir = filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
	files := map[string]string{
		"site.cue":               text,
		"cue/cue.mod/module.cue": "module: \"site.example\"\nlanguage: version: \"v0.9.0\"\n",
		"cue/schema.cue":         string(load.SchemaCUE()),
		"cue/embed.cue":          "package schema\n\n#Site\n",
		"cue/site.cue":           strings.Replace(text, "\npackage fra1\n", "\npackage schema\n", 1),
	}
	for n, body := range files {
		n = filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(n), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(n, []byte(body), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// table runs the jobs as many times and prints their medians.
func table(b *testing.B, title string, rounds int, jobs []job) {
	all := make([][]measured, len(jobs))
	for range rounds {
		for i, j := range jobs {
			all[i] = append(all[i], measure(b, j))
		}
	}
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\ttime\tx cue vet\tprocessors\tmemory\tbudget\t")
	reference := median(all[0])
	for i, j := range jobs {
		m := median(all[i])
		ratio, verdict := "", ""
		if j.ratio {
			ratio = fmt.Sprintf("%.2f", float64(m.wall)/float64(reference.wall))
		}
		if j.over != nil && j.over(m, reference) {
			verdict = "OVER"
		}
		fmt.Fprintf(w, "%s\t%.1f ms\t%s\t%.1f ms\t%d MiB\t%s\t%s\n", j.name, float64(m.wall)/1e6, ratio, float64(m.cpu)/1e6, m.rss>>20, j.budget, verdict)
	}
	w.Flush()
}

func measure(b *testing.B, j job) measured {
	cmd := j.cmd()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	// The system's own account of a child begins with what its parent held, so it is asked while the child lives.
	peak := int64(0)
	for tick := time.NewTicker(2 * time.Millisecond); ; {
		select {
		case err := <-done:
			if cmd.ProcessState.ExitCode() != j.exit {
				b.Fatalf("%s: %v\n%.2000s", j.name, err, said.String())
			}
			return measured{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak}
		case <-tick.C:
			peak = max(peak, highWater(cmd.Process.Pid))
		}
	}
}

// highWater returns the most memory in bytes that a process has held so far, 0 when it is gone.
func highWater(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	n := int64(0)
	fmt.Sscan(rest, &n)
	return n << 10
}

// median takes the median of each quantity.
func median(all []measured) measured {
	walls, cpus, sizes := make([]time.Duration, len(all)), make([]time.Duration, len(all)), make([]int64, len(all))
	for i, m := range all {
		walls[i], cpus[i], sizes[i] = m.wall, m.cpu, m.rss
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	slices.Sort(sizes)
	return measured{walls[len(walls)/2], cpus[len(cpus)/2], sizes[len(sizes)/2]}
}
