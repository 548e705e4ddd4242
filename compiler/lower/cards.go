package lower

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

const (
	// rpsFlows is how many flows are steered to the CPU of their reader, what the kernel's documentation proposes for a
	// server of moderate load (Documentation/networking/scaling.rst, RFS: Suggested Configuration; read 2026-11-21).
	rpsFlows = 32768
	// ringPackage brings ethtool: its name in Debian and in RHEL.
	ringPackage = "ethtool"
)

// Cards lists the network cards by which a node reaches the node network: its links, the members of its class's bond, or
// the interface itself. A bond has neither rings nor queues of its own that steering would act on: the kernel steers a
// packet where the card delivers it, before the bond sees it (net/core/dev.c, get_rps_cpu; Linux 6.12, read 2026-11-21).
func Cards(r *site.Rack, n *site.Node, class *site.NodeClass) []string {
	var out []string
	switch {
	case r.Homing == unnumbered:
		for _, iface := range n.Links {
			out = append(out, iface)
		}
	case len(class.NIC.Members) > 0:
		out = slices.Clone(class.NIC.Members)
	default:
		out = []string{class.NIC.Interface}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// cards decides what is set up of a group's network cards.
func (l *lowering) cards(n ir.Node, class *site.NodeClass) *ir.Cards {
	nic := &class.NIC
	if nic.Ring == nil && nic.RPS == "" {
		return nil
	}
	rack := l.s.Racks[n.Rack]
	out := &ir.Cards{Names: Cards(rack, rack.Nodes[n.Name], class),
		From: append(under(site.Join("nodeClasses", n.Class, "nic"), "ring", "rps", "interface", "members"),
			site.Join("racks", n.Rack, "homing"), site.Join("racks", n.Rack, "nodes"), site.Join("nodeClasses", n.Class, "cores"))}
	if nic.Ring != nil {
		out.RX, out.TX = nic.Ring.RX, nic.Ring.TX
	}
	if nic.RPS != "" {
		out.Mask = cpuMask(class.Cores)
	}
	if nic.RPS == "flow" {
		out.Flows = rpsFlows
	}
	return out
}

// cpuMask writes the first n logical CPUs, hyperthreads among them, as the kernel reads and writes a set of CPUs: groups of
// 32 bits in hexadecimal, the last CPUs first. A bit of a CPU that the machine cannot have is refused by the kernel.
func cpuMask(n int) string {
	var groups []string
	for ; n > 0; n -= 32 {
		groups = append(groups, fmt.Sprintf("%08x", uint32(1<<min(n, 32)-1)))
	}
	slices.Reverse(groups)
	return strings.Join(groups, ",")
}
