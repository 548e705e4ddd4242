package documents

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// hosts says how each group of machines gets its configuration.
func (b *book) hosts(p *ir.Plan) {
	var restart, userData, ignition, pods []string
	for i := range p.Groups {
		g := &p.Groups[i]
		b.Playbook = b.Playbook || g.Has("ansible")
		if g.Has("cloud-init") {
			userData = append(userData, g.Name)
		}
		if g.Has("ignition") {
			ignition = append(ignition, g.Name)
		}
		if g.Has("daemonset") {
			pods = append(pods, g.Name)
		}
		if g.Has("talos") {
			b.Talos = append(b.Talos, group{Name: g.Name, Addresses: strings.Join(addressesOf(p, g), ",")})
		}
		if !g.Has("files") || g.Has("ansible") {
			continue
		}
		here := inventoryGroup("group", g.Name)
		b.Groups = append(b.Groups, group{Name: g.Name, Ansible: here})
		b.install(strings.Join(g.Packages, ","), here)
		for _, o := range g.ModuleOptions {
			if o.Module == "nf_conntrack" && o.Key == "hashsize" {
				b.Buckets = resizeBuckets
			}
		}
		for _, unit := range []string{g.TimeUnit, g.Unit} {
			if unit = strings.TrimSuffix(unit, ".service"); unit != "" && !slices.Contains(restart, unit) {
				restart = append(restart, unit)
			}
		}
	}
	slices.Sort(restart)
	b.Restart = strings.Join(restart, " ")
	first := func(file string, groups []string) {
		if len(groups) > 0 {
			b.Hosts = append(b.Hosts, "   New machines of "+codes(groups)+" take `"+file+"` of their folder when they are installed.")
		}
	}
	first("cloud-init.yaml", userData)
	first("ignition.json", ignition)
	if len(pods) > 0 {
		b.Hosts = append(b.Hosts, "   Pods in namespace `"+p.HostPods.Namespace+"` write the files of "+codes(pods)+" once the phase hosts is applied, then with each change, machine by "+
			"machine. They install nothing: a time service or packet filter that is missing keeps its pod from becoming ready, and the next machine waits. They do not restart the kubelet: "+
			"`kubectl -n "+p.HostPods.Namespace+" logs daemonset/GROUP` says what must be.")
	}
}

// resizeBuckets has the table of a module that runs take the size that its options have for the next time it is loaded.
const resizeBuckets = `sed -n "s/^options nf_conntrack hashsize=//p" /etc/modprobe.d/meshgen.conf > /sys/module/nf_conntrack/parameters/hashsize`

// installation is what must be there before its files are: the packages, and the groups of the inventory that lack them.
type installation struct {
	Names  string
	Groups []string
}

// Where names the groups as Ansible takes several.
func (i installation) Where() string { return strings.Join(i.Groups, ":") }

func (b *book) install(names, here string) {
	if names == "" {
		return
	}
	for i := range b.Packages {
		if b.Packages[i].Names == names {
			b.Packages[i].Groups = append(b.Packages[i].Groups, here)
			return
		}
	}
	b.Packages = append(b.Packages, installation{names, []string{here}})
}

// addressesOf are the first addresses of a group's machines.
func addressesOf(p *ir.Plan, g *ir.HostGroup) []string {
	var out []string
	for i := range p.Nodes {
		if n := &p.Nodes[i]; slices.Contains(g.Nodes, n.Name) {
			out = append(out, n.Addresses[0].String())
		}
	}
	return out
}
