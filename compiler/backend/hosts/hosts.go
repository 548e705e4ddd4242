// Package hosts prints what the machines need outside Kubernetes: kernel settings and modules, the time daemon, the
// kubelet's drop-in, and an inventory by which they are delivered.
//
// In come the plan's host groups and nodes. Out go, for each group, the files of hosts/<site>/<group>/ at the paths that
// they have on the machine, and hosts/<site>/inventory.yaml, which says which machine takes which group's files.
package hosts

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the files of every host group and the inventory.
var Backend = backend.Backend{
	Name: "hosts",
	Kind: "hosts",
	Doc:  "sysctl.d, modules-load.d, modprobe.d, the time daemon, the kubelet's drop-in and an Ansible inventory",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	for i := range p.Groups {
		g := &p.Groups[i]
		sysctls(p, t, g)
		modules(p, t, g)
		moduleOptions(p, t, g)
		if g.Time.Daemon == "chrony" {
			chrony(p, t, g)
		}
		kubeletConfig(p, t, g)
		kubeletFlags(p, t, g)
	}
	inventory(p, t)
}

// dir is the folder of the site's hosts.
func dir(p *ir.Plan) string { return "hosts/" + p.Name }

// file starts a file that a group's machines have at the absolute path.
func file(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup, path string) *artifact.File {
	f := t.File(dir(p)+"/"+g.Name+path, g.From...)
	f.Header("#", p.Name)
	return f
}

// comments writes each text as a comment line.
func comments(f *artifact.File, texts ...string) {
	for _, s := range texts {
		f.Line("# " + s)
	}
}
