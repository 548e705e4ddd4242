package lower

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// RackMTU returns the largest packet of a rack's node network, in bytes.
func RackMTU(s *site.Site, r *site.Rack) int { return cmp.Or(r.MTU, s.Fabric.MTU) }

// Overhead returns the bytes that the pod network's encapsulation adds, and the family of the packets that carry it.
// Where both families do it is IPv6, whose header is the larger one: pods have one MTU for both.
func Overhead(s *site.Site, cni *profile.CNI) (int, ir.Family) {
	over := cni.Overhead[encapsulation(s)]
	over.IPv4 += cni.Overhead[s.Mesh.Encrypts()].IPv4
	over.IPv6 += cni.Overhead[s.Mesh.Encrypts()].IPv6
	v6 := func(s string) bool { return strings.Contains(s, ":") }
	nodes4, nodes6 := false, false
	for _, r := range s.Racks {
		for _, n := range r.Nodes {
			nodes6 = nodes6 || slices.ContainsFunc(n.Address, v6)
			nodes4 = nodes4 || slices.ContainsFunc(n.Address, func(a string) bool { return !v6(a) })
		}
	}
	if nodes6 && (!nodes4 || slices.ContainsFunc(s.Kubernetes.PodCIDRs, v6)) {
		return over.IPv6, ir.IPv6
	}
	return over.IPv4, ir.IPv4
}

// packets decides how large packets may be, and what a pod network must be told about it.
func (l *lowering) packets() {
	p := &l.p.Packets
	p.From = ir.From{"fabric.mtu", "racks", "nodeClasses", "kubernetes.cni", "kubernetes.podCIDRs", "components.cni.managed", "mesh.kind"}
	p.From = append(append(p.From, l.egressFrom()...), l.encryptionFrom()...)
	p.Encapsulation = encapsulation(l.s)
	p.Overhead, p.Outer = Overhead(l.s, l.set.CNI(l.s.Kubernetes.CNI.Kind))
	p.Nodes = l.paths()
	p.Pods = p.Nodes - p.Overhead
	p.Encryption = l.s.Mesh.Encrypts()
	cipher := l.set.CNI(l.s.Kubernetes.CNI.Kind).Overhead[p.Encryption]
	if p.Encrypted = cipher.IPv4; p.Outer == ir.IPv6 {
		p.Encrypted = cipher.IPv6
	}
	p.Probe = l.packetProbe()
	l.layers()
	if !l.s.Components.CNI.Managed {
		l.podNetworkSettings()
	}
}

// paths lists the ways by packet size, not by rack: sites have many racks and few sizes. It returns the least.
func (l *lowering) paths() int {
	bySize := map[int][]string{}
	for name, r := range byKey(l.s.Racks) {
		mtu := RackMTU(l.s, r)
		bySize[mtu] = append(bySize[mtu], name)
	}
	var sets [][]string
	mtu := map[string]int{}
	for size, racks := range bySize {
		sets = append(sets, racks)
		mtu[racks[0]] = size
	}
	slices.SortFunc(sets, func(a, b []string) int { return cmp.Compare(a[0], b[0]) })
	p, least := &l.p.Packets, l.s.Fabric.MTU
	add := func(a, b []string, size int) {
		least = min(least, size)
		p.Paths = append(p.Paths, ir.PacketPath{Between: a, And: b, Nodes: size, Pods: size - p.Overhead})
	}
	for i, a := range sets {
		// Inside of a rack its own switches alone decide; two racks of one size have the fabric between them.
		if size := mtu[a[0]]; len(a) == 1 || size <= l.s.Fabric.MTU {
			add(a, a, size)
		} else {
			for _, name := range a {
				add([]string{name}, []string{name}, size)
			}
			add(a, a, l.s.Fabric.MTU)
		}
		for _, b := range sets[i+1:] {
			add(a, b, min(mtu[a[0]], mtu[b[0]], l.s.Fabric.MTU))
		}
	}
	return least
}

// Headers of an echo request: IP without options, and ICMP.
const (
	echoHeaders4 = 28
	echoHeaders6 = 48
)

// packetProbe picks the first node and the first of another rack, or of the same where there is one rack.
func (l *lowering) packetProbe() *ir.PacketProbe {
	nodes := l.p.Nodes
	if len(nodes) < 2 {
		return nil
	}
	to := &nodes[1]
	if i := slices.IndexFunc(nodes, func(n ir.Node) bool { return n.Rack != nodes[0].Rack }); i >= 0 {
		to = &nodes[i]
	}
	headers := echoHeaders4
	if to.Addresses[0].Is6() {
		headers = echoHeaders6
	}
	return &ir.PacketProbe{From: nodes[0].Name, To: to.Name, Address: to.Addresses[0].String(), Payload: l.p.Packets.Nodes - headers}
}

// layers lists the interfaces of each class that has machines, from the wire upwards, and its further networks.
func (l *lowering) layers() {
	p := &l.p.Packets
	machines, largest := map[string]int{}, map[string]int{}
	for _, r := range l.s.Racks {
		for _, n := range r.Nodes {
			machines[n.Class]++
			largest[n.Class] = max(largest[n.Class], RackMTU(l.s, r))
		}
	}
	for name, class := range byKey(l.s.NodeClasses) {
		if machines[name] == 0 {
			continue
		}
		nic := &class.NIC
		add := func(iface, what string, mtu int) {
			p.Layers = append(p.Layers, ir.PacketLayer{Class: name, Interface: iface, What: what, MTU: mtu})
		}
		for _, m := range nic.Members {
			add(m, "member of "+nic.Interface, largest[name])
		}
		what := "node network, " + nic.Speed
		if nic.Mode != "" {
			what += ", bond in mode " + nic.Mode
		}
		add(nic.Interface, what, largest[name])
		for net, w := range byKey(class.Networks) {
			mtu := cmp.Or(w.MTU, l.s.Fabric.MTU)
			add(w.Interface, "network "+net, mtu)
			p.Further = append(p.Further, ir.FurtherNetwork{Class: name, Name: net, Interface: w.Interface, CIDR: w.CIDR, MTU: mtu, Machines: machines[name]})
		}
	}
}

// podNetworkSettings is what whoever installs the pod network must set: the size of packets, and which of several
// addresses of a machine is the node's.
func (l *lowering) podNetworkSettings() {
	p, cni := &l.p.Packets, l.set.CNI(l.s.Kubernetes.CNI.Kind)
	value := p.Pods
	if cni.MTU.Of == "nodes" {
		value = p.Nodes
		if off, ok := cni.MTU.TakesOff[p.Encapsulation]; ok {
			value = p.Pods + off
		}
	}
	p.Settings = append(p.Settings, ir.Setting{Where: cni.MTU.Setting, Values: []string{strconv.Itoa(value)}, Otherwise: cni.MTU.Otherwise})
	if len(p.Further) == 0 || cni.NodeAddress == nil {
		return
	}
	s := ir.Setting{Where: cni.NodeAddress.Setting, Otherwise: cni.NodeAddress.Otherwise}
	if cni.NodeAddress.Takes == "interfaces" {
		s.Values = l.nodeInterfaces()
	} else {
		s.Values = ir.Prefixes(l.p.Cluster.NodeSubnets)
	}
	p.Settings = append(p.Settings, s)
}

// nodeInterfaces are the names of the interfaces that carry the node network, of all classes with machines.
func (l *lowering) nodeInterfaces() []string {
	var out []string
	for _, g := range l.p.Groups {
		out = append(out, l.s.NodeClasses[g.Class].NIC.Interface)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hasFurther reports whether a class with machines has networks besides the node network.
func (l *lowering) hasFurther() bool { return len(l.p.Packets.Further) > 0 }

// nodeNetwork is where a node's own addresses lie, for a program that would take any address of the machine: the rack's
// subnets, or the addresses themselves of nodes on loopbacks. Nil for a class with no other network.
func (l *lowering) nodeNetwork(rack, class string) (nets []string, from ir.From) {
	if len(l.s.NodeClasses[class].Networks) == 0 {
		return nil, nil
	}
	r := l.s.Racks[rack]
	from = append(under(site.Join("racks", rack), "subnets", "nodes"), site.Join("nodeClasses", class, "networks"))
	if len(r.Subnets) > 0 {
		return r.Subnets, from
	}
	for _, n := range byKey(r.Nodes) {
		if n.Class != class {
			continue
		}
		for _, a := range n.Address {
			nets = append(nets, fmt.Sprintf("%s/%d", a, addr(a).BitLen()))
		}
	}
	return nets, from
}
