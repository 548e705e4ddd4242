// Command meshgen compiles the description of a bare-metal site into what a service mesh needs there. See the README.
package main

import (
	"os"
	"runtime/debug"
)

// gcPercent lets garbage grow to four times what is in use before it is collected: the process is over soon. The limit
// of memory has the collector work harder near it.
const gcPercent = 400

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	c := &command{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
	os.Exit(c.main(os.Args[1:]))
}
