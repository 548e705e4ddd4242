package hosts

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// inventory writes the Ansible inventory. Each machine stands once, in the group that takes one folder's files; racks
// and classes are groups of these groups.
func inventory(p *ir.Plan, t *artifact.Tree) {
	// Where a host stands among the groups, the others decide too.
	f := t.File(dir(p)+"/inventory.yaml", "name", "racks", "nodeClasses", "delivery.hosts", "kubernetes.distribution", "time.daemon")
	f.Header("#", p.Name)
	comments(f, howTo(p)...)
	nodes := make(map[string]*ir.Node, len(p.Nodes))
	for i := range p.Nodes {
		nodes[p.Nodes[i].Name] = &p.Nodes[i]
	}
	y := f.YAML()
	y.Map("all", func() {
		y.Map("children", func() {
			for i := range p.Groups {
				hostGroup(y, &p.Groups[i], nodes)
			}
			parents(y, "rack", p.Groups, func(g *ir.HostGroup) string { return g.Rack })
			parents(y, "class", p.Groups, func(g *ir.HostGroup) string { return g.Class })
			timeServers(y, p.Groups)
		})
	})
}

// howTo says what the folders are for.
func howTo(p *ir.Plan) []string {
	var restart []string
	ansible := false
	for i := range p.Groups {
		g := &p.Groups[i]
		ansible = ansible || g.Has("ansible")
		if !g.Has("files", "ansible") {
			continue
		}
		for _, unit := range []string{g.TimeUnit, g.Unit} {
			if unit != "" && !slices.Contains(restart, unit) {
				restart = append(restart, unit)
			}
		}
	}
	switch {
	case ansible:
		return []string{
			"The folder that meshgen_group names holds the files of a group's machines, below /: root:root, mode 0644.",
			"playbook.yaml puts them there.",
		}
	case restart != nil:
		slices.Sort(restart)
		return []string{
			"The folder that meshgen_group names holds the files of a group's machines, below /: root:root, mode 0644. Then, one",
			"rack at a time: systemctl restart systemd-modules-load systemd-sysctl " + strings.Join(restart, " "),
		}
	}
	if p.HostPods != nil && len(p.HostPods.Groups) == len(p.Groups) && !slices.ContainsFunc(p.Groups, func(g ir.HostGroup) bool { return len(g.Forms) > 1 }) {
		return []string{"meshgen_group names the group of a machine: its DaemonSet in namespace " + p.HostPods.Namespace + " writes the files."}
	}
	return []string{"The folder that meshgen_group names holds the configuration of a group's machines; each file says how it is applied."}
}

// hostGroup writes the machines that take one folder's files.
func hostGroup(y *artifact.YAML, g *ir.HostGroup, nodes map[string]*ir.Node) {
	y.From("", g.From...)
	y.Map(groupName("group", g.Name), func() {
		y.Map("vars", func() { y.KV("meshgen_group", g.Name) })
		y.Map("hosts", func() {
			for _, name := range g.Nodes {
				n := nodes[name]
				y.From("", n.From...)
				y.Map(name, func() { y.KV("ansible_host", n.Addresses[0]) })
			}
		})
	})
}

// parents writes one group of groups for each value of key, in the order in which the groups bring them.
func parents(y *artifact.YAML, kind string, groups []ir.HostGroup, key func(*ir.HostGroup) string) {
	var order []string
	members := map[string][]*ir.HostGroup{}
	for i := range groups {
		k := key(&groups[i])
		if members[k] == nil {
			order = append(order, k)
		}
		members[k] = append(members[k], &groups[i])
	}
	for _, k := range order {
		y.From("", members[k][0].From...)
		y.Map(groupName(kind, k), func() {
			y.Map("children", func() {
				for _, g := range members[k] {
					y.From("", g.From...)
					y.KV(groupName("group", g.Name), nil)
				}
			})
		})
	}
}

// timeServers writes the group of the machines that others ask for the time.
func timeServers(y *artifact.YAML, groups []ir.HostGroup) {
	serve := slices.DeleteFunc(slices.Clone(groups), func(g ir.HostGroup) bool { return g.Time.Serves == nil })
	if len(serve) == 0 {
		return
	}
	for i := range serve {
		y.From("", serve[i].Time.Serves.From...)
	}
	y.Map("time_servers", func() {
		y.Map("children", func() {
			for i := range serve {
				y.From("", append(serve[i].From[:len(serve[i].From):len(serve[i].From)], serve[i].Time.Serves.From...)...)
				y.KV(groupName("group", serve[i].Name), nil)
			}
		})
	})
}

// groupName returns a name that Ansible takes for a group: letters, digits and "_", no digit first. By the prefix it
// is never the name of a host, of which Ansible would warn.
func groupName(kind, name string) string {
	return kind + "_" + strings.NewReplacer("-", "_", ".", "_").Replace(name)
}
