package hosts

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

const (
	sysctlPath      = "/etc/sysctl.d/90-meshgen.conf"
	modulesLoadPath = "/etc/modules-load.d/meshgen.conf"
	modprobePath    = "/etc/modprobe.d/meshgen.conf"

	// conntrackMax is the setting above which the sizing of the connection table is explained.
	conntrackMax = "net.netfilter.nf_conntrack_max"
)

// sysctls writes the kernel settings. sysctl.d(5) takes everything after "=" as the value, so that a reason stands on a
// line of its own.
func sysctls(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	if len(g.Sysctls) == 0 {
		return
	}
	f := file(p, t, g, sysctlPath)
	comments(f,
		"Applied at boot, after modules-load.d; at once: systemctl restart systemd-modules-load systemd-sysctl",
		"A file whose name sorts later wins. Of net.*, most holds for the host and for pods in its network namespace only.")
	for _, s := range g.Sysctls {
		f.From(s.Why, s.From...)
		f.Blank()
		comments(f, s.Reason)
		if s.Key == conntrackMax {
			conntrackSizing(f, &g.Conntrack)
			f.From(s.Why, s.From...)
		}
		f.Line(s.Key + " = " + s.Value)
	}
}

// conntrackSizing writes the formula of the connection table with this group's terms.
func conntrackSizing(f *artifact.File, c *ir.Conntrack) {
	f.From(c.Why, c.From...)
	comments(f,
		"  E    = pods x connections + gateways + closes/s x TIME_WAIT, entries in the host's own table",
		fmt.Sprintf("       = %d x %d + %d + %d x %d = %d", c.Pods, c.ConnsPerPod, c.Ingress, c.ClosesPerSec, c.TimeWaitSecs, c.Entries),
		fmt.Sprintf("  Epod = 2 x the connections of the largest pod = %d: its own table is held to the same maximum", c.PodEntries),
		fmt.Sprintf("  max  = max(262144, next power of two of 2 x max(E, Epod)) = %d: at most half full at the expected load", c.Max),
		fmt.Sprintf("  hash = %d buckets, set in %s", c.Buckets, modprobePath),
		fmt.Sprintf("  memory: %d MiB at the expected load, %d MiB when full, %d.%d %% of the machine's memory",
			c.MemoryMiB, c.FullMemoryMiB, c.MemoryPermille/10, c.MemoryPermille%10))
}

// modules writes what systemd loads before it applies sysctl.d: a key of a module that is not there is skipped with
// exit code 0.
func modules(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	if len(g.Modules) == 0 {
		return
	}
	f := file(p, t, g, modulesLoadPath)
	comments(f, "Loaded at boot, before sysctl.d is applied: a setting of a module that is not loaded is skipped without an error.")
	for _, m := range g.Modules {
		f.From("", m.From...)
		f.Blank()
		comments(f, m.Reason)
		f.Line(m.Name)
	}
}

// moduleOptions writes modprobe.d.
func moduleOptions(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	if len(g.ModuleOptions) == 0 {
		return
	}
	f := file(p, t, g, modprobePath)
	comments(f, "Taken when the module is loaded. A kernel that has the module built in takes module.key=value on its command line instead.")
	for _, o := range g.ModuleOptions {
		f.From(o.Why, o.From...)
		f.Blank()
		comments(f, o.Reason,
			fmt.Sprintf("At once: echo %s > /sys/module/%s/parameters/%s", o.Value, o.Module, o.Key))
		f.Linef("options %s %s=%s", o.Module, o.Key, o.Value)
	}
}
