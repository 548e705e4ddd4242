package documents

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// hosts says how each group of machines gets its configuration.
func (b *book) hosts(p *ir.Plan) {
	var restart, userData, ignition []string
	for i := range p.Groups {
		g := &p.Groups[i]
		b.Playbook = b.Playbook || g.Has("ansible")
		if g.Has("cloud-init") {
			userData = append(userData, g.Name)
		}
		if g.Has("ignition") {
			ignition = append(ignition, g.Name)
		}
		if g.Has("talos") {
			b.Talos = append(b.Talos, group{Name: g.Name, Addresses: strings.Join(addressesOf(p, g), ",")})
		}
		if !g.Has("files") || g.Has("ansible") {
			continue
		}
		b.Groups = append(b.Groups, group{Name: g.Name, Ansible: inventoryGroup("group", g.Name)})
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
