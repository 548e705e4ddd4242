package lower

import (
	"net/netip"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
)

// How the Service of machines outside the cluster leads to them.
const (
	machineSlices  = "slices"  // by EndpointSlices, which the pod network follows for everybody
	machineEntries = "entries" // by entries in the mesh's registry, which its proxies follow and nobody else
	machineCatalog = "catalog" // its address is a name alone, by which the mesh's proxies find it in their catalog
)

// machineServices decides the Services of machines outside the cluster.
func (l *lowering) machineServices() {
	way := l.meshKind().machines
	if way == "" {
		return
	}
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if s.Workload != ir.Machine || len(s.Ports) == 0 { // one that only calls has no Service
			continue
		}
		m := ir.MachineService{Namespace: s.Namespace, Name: s.Name, Ports: s.Ports, Spoken: l.p.Mesh.Kind != "linkerd", From: s.From}
		switch way {
		case machineEntries:
			m.Selector = s.Labels
		case machineSlices:
			sliceMachines(&m, s.Addresses)
		}
		l.p.Machines = append(l.p.Machines, m)
	}
}

// sliceMachines lists machines by family. The Service has an address of each family that a machine has, and of no other: a
// client that took one would find nobody behind it.
func sliceMachines(m *ir.MachineService, all []netip.Addr) {
	for _, family := range []string{"IPv4", "IPv6"} {
		mine := slices.DeleteFunc(slices.Clone(all), func(a netip.Addr) bool { return a.Is4() != (family == "IPv4") })
		if len(mine) == 0 {
			continue
		}
		m.Families = append(m.Families, family)
		for part := range slices.Chunk(mine, ir.MaxEndpoints) {
			m.Slices = append(m.Slices, ir.EndpointSlice{Name: m.Name + "-" + strconv.Itoa(len(m.Slices)+1), Family: family, Addresses: part})
		}
	}
}
