// Command meshgen compiles the description of a bare-metal site into what a service mesh needs there. See the README.
package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// gcPercent lets garbage grow to four times what is in use before it is collected: the process is over soon. The limit
// of memory has the collector work harder near it.
const gcPercent = 400

// firstPercent has the first collection come at 192 MiB, which few sites reach: of 4 MiB, the runtime's least heap.
const firstPercent = 4800

// fleetGarbage is how much garbage a fleet lets grow, in bytes: what has to be kept grows with its sites, and four times that
// would grow fourfold. leastPercent keeps the collector from taking more time than the work.
const (
	fleetGarbage = 160 << 20
	leastPercent = 100
)

// pace has the next collection come when there is so much garbage, by what the last one left.
func pace() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := uint64(gcPercent)
	if n := live[0].Value.Uint64(); n > 0 {
		percent = max(leastPercent, min(gcPercent, 100*fleetGarbage/n))
	}
	debug.SetGCPercent(int(percent))
}

func main() {
	c := &command{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(firstPercent)
		runtime.AddCleanup(new([64]byte), func(percent int) { debug.SetGCPercent(percent) }, gcPercent) // after the first
		c.pace = pace
	}
	os.Exit(c.main(os.Args[1:]))
}
