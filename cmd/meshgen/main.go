// Command meshgen compiles the description of a bare-metal site into what a service mesh needs there. See the README.
package main

import "os"

func main() {
	c := &command{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv}
	os.Exit(c.main(os.Args[1:]))
}
