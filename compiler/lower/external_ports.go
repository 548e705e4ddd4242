package lower

import (
	"cmp"
	"encoding/binary"
	"slices"

	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// FixedPort is a node port that a gateway or an exposure behind external balancers has by its address.
type FixedPort struct {
	Gateway  string // "" for an exposure
	Exposure string
	Listener string // or port of the exposure; "": kube-proxy's answer whether a node has a ready pod
	Port     uint16
}

// FixedPorts returns the node ports of every gateway, then of every exposure, by name, then port, the health port first.
//
// The numbers lie in the band that Kubernetes keeps for fixed ones, and depend on the owner alone, so that those of
// others stay when one comes or goes:
//
//	block = the last 32 bits of the first address mod (band / blockPorts)
//	port  = first + block*blockPorts + i      i = 0 for the health port, 1... for the listeners in the order of their ports
//
// Addresses that follow one another never meet before the band is used up; more listeners than a block holds go on into
// the next one. Two gateways may meet all the same: a guard refuses that.
func FixedPorts(s *site.Site, m *profile.Machines) []FixedPort {
	r := nodePorts(s.Kubernetes.NodePorts)
	if m == nil || r.Last < r.First {
		return nil
	}
	band := m.Static(int(r.Last) - int(r.First) + 1)
	blocks := max(band/m.BlockPorts, 1)
	size := min(blocks*m.BlockPorts, band)
	var out []FixedPort
	add := func(f FixedPort, addresses []string, policy string, names []string) {
		start := int(lastBits(addresses)%uint32(blocks)) * m.BlockPorts
		for i, name := range append([]string{""}, names...) {
			if name == "" && policy != "Local" {
				continue
			}
			f.Listener, f.Port = name, r.First+uint16((start+i)%size)
			out = append(out, f)
		}
	}
	for gn, g := range byKey(s.Gateways) {
		add(FixedPort{Gateway: gn}, g.Addresses, g.ExternalTrafficPolicy, listenersByPort(g))
	}
	for en, e := range byKey(s.Exposures) {
		add(FixedPort{Exposure: en}, e.Addresses, e.ExternalTrafficPolicy, portsByNumber(e))
	}
	return out
}

func portsByNumber(e *site.Exposure) []string {
	var out []string
	for name := range byKey(e.Ports) {
		out = append(out, name)
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(e.Ports[a].Port, e.Ports[b].Port) })
	return out
}

// lastBits returns the last 32 bits of the first address, 0 where there is none.
func lastBits(addresses []string) uint32 {
	if len(addresses) == 0 {
		return 0
	}
	b := addr(addresses[0]).AsSlice()
	if len(b) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(b[len(b)-4:])
}

func listenersByPort(g *site.Gateway) []string {
	var out []string
	for name := range byKey(g.Listeners) {
		out = append(out, name)
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(g.Listeners[a].Port, g.Listeners[b].Port) })
	return out
}
