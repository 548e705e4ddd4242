package lower

import (
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
)

// linkerdMachines registers each address of a machine outside the cluster as an ExternalWorkload. All machines of a service
// have one identity, as its pods would have one account. The controller makes EndpointSlices of those that are ready, for
// the Service whose selector they fit, and tells callers their identity and name (linkerd/linkerd2 version-2.20
// controller/api/destination/external-workload; endpoint_translator.go, createWeightedAddrForExternalWorkload, read
// 2026-11-21).
func (l *lowering) linkerdMachines() {
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if s.Workload != ir.Machine || s.Identity == "" || len(s.Ports) == 0 { // callers know nothing of one that only calls
			continue
		}
		ports := slices.DeleteFunc(slices.Clone(s.Ports), func(p ir.Port) bool { return p.Protocol == "udp" })
		for k, a := range s.Addresses {
			l.p.Linkerd.Machines = append(l.p.Linkerd.Machines, ir.LinkerdMachine{Namespace: s.Namespace, Name: s.Name + "-" + strconv.Itoa(k+1), Service: s.Name,
				Labels: s.Labels, Identity: LinkerdMachineURI(s.ServiceAccount, s.Namespace, l.p.Mesh.TrustDomain),
				ServerName: LinkerdMachine(s.Name, s.Namespace, l.p.Mesh.TrustDomain),
				Address:    a, Ports: ports, From: s.From})
		}
	}
}
