// Package hosts prints what the machines need outside Kubernetes: kernel settings and modules, the time daemon, options of
// the kubelet, the packet filter of edge nodes, the setup of network cards, and the forms in which they are delivered.
//
// In come the plan's host groups and nodes. Out go below hosts/<site>/ for each group, by the forms that it gets:
//
//	files, ansible  <group>/etc/…            the files, at the paths that they have on the machine
//	cloud-init      <group>/cloud-init.yaml  the same files as user-data
//	ignition        <group>/ignition.json    the same files for Ignition
//	talos           <group>/talos.yaml       patches of the machine configuration, and talos-firewall.yaml where there is one
//
// A group of form daemonset has no folder there for it: its files are a ConfigMap of the phase 08-hosts. Besides there is
// inventory.yaml, which says which machine takes which group's files, with playbook.yaml for Ansible.
package hosts

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the files of every host group and the inventory.
var Backend = backend.Backend{
	Name: "hosts",
	Kind: "hosts",
	Doc:  "sysctl.d, modules-load.d, modprobe.d, the time daemon, the kubelet's drop-in, the packet filter of edge nodes, rings and packet steering of network cards, and an Ansible inventory",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	c := carriage{p, map[*ir.HostGroup][]*artifact.File{}}
	for i := range p.Groups {
		g := &p.Groups[i]
		if g.Has("files", "ansible") {
			files(p, t, g)
		}
		if g.Has("cloud-init") {
			cloudInit(p, t, g, c.of(g))
		}
		if g.Has("ignition") {
			ignition(p, t, g, c.of(g))
		}
		if g.Has("talos") {
			talos(p, t, g)
			talosFirewall(p, t, g)
		}
	}
	inventory(p, t)
	playbook(p, t, c)
	daemonSets(p, t, c)
}

// files writes everything that a group's machines have in /etc.
func files(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	sysctls(p, t, g)
	modules(p, t, g)
	moduleOptions(p, t, g)
	switch g.Time.Daemon {
	case "chrony":
		chrony(p, t, g)
	case "ntpd":
		ntpsec(p, t, g)
		ntpsecOptions(p, t, g)
	case "timesyncd":
		timesyncd(p, t, g)
	}
	kubeletConfig(p, t, g)
	kubeletFlags(p, t, g)
	supervisor(p, t, g)
	staticPod(p, t, g)
	firewall(p, t, g)
	sources(p, t, g)
	cards(p, t, g)
}

// carriage is what files writes, for forms that carry files inside a document of their own. Each group's are made once.
type carriage struct {
	p    *ir.Plan
	made map[*ir.HostGroup][]*artifact.File
}

// of returns the files of a group, sorted by path. The caller must not change them.
func (c carriage) of(g *ir.HostGroup) []*artifact.File {
	if c.made[g] == nil {
		t := artifact.NewTree()
		files(c.p, t, g)
		c.made[g] = t.Files()
	}
	return c.made[g]
}

// onHost returns the path that a file of the group has on the machine.
func onHost(p *ir.Plan, g *ir.HostGroup, f *artifact.File) string {
	return strings.TrimPrefix(f.Path(), dir(p)+"/"+g.Name)
}

// dir is the folder of the site's hosts.
func dir(p *ir.Plan) string { return "hosts/" + p.Name }

// file starts a file that a group's machines have at the absolute path.
func file(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup, path string) *artifact.File {
	f := t.File(dir(p)+"/"+g.Name+path, g.From...)
	f.Header("#", p.Name)
	return f
}

// timeFile is file for what the daemon that keeps the time reads: none of it is there with another.
func timeFile(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup, path string) *artifact.File {
	f := t.File(dir(p)+"/"+g.Name+path, append(g.From[:len(g.From):len(g.From)], "time.daemon")...)
	f.Header("#", p.Name)
	return f
}

// comments writes each text as a comment line.
func comments(f *artifact.File, texts ...string) {
	for _, s := range texts {
		f.Line("# " + s)
	}
}
