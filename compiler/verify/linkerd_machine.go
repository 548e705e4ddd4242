package verify

import (
	"net/netip"
	"strings"
)

// machineGroup is the API group of machines outside the cluster.
const machineGroup = "workload.linkerd.io"

// checkExternalWorkloads holds machines outside the cluster to what callers' proxies and the policy controller read: an
// address of their own, an identity of the mesh's trust domain, a Service that leads to their ports, and a Server at each.
func (p *pass) checkExternalWorkloads(v *values) {
	domain := str(v.value, "identityTrustDomain")
	if domain == "" {
		domain = "cluster.local"
	}
	seen := map[string]string{}
	for _, o := range p.objects {
		if !o.is(machineGroup, "ExternalWorkload") {
			continue
		}
		at, spec := fieldPath{"spec"}, get(o.value, "spec")
		if id := str(spec, "meshTLS", "identity"); !strings.HasPrefix(id, "spiffe://"+domain+"/") {
			o.report(p, ruleLinkerd, at.to("meshTLS").to("identity"), "%q is no identity of trust domain %s", id, domain)
		}
		if name := str(spec, "meshTLS", "serverName"); !isDNSSubdomain(name) {
			o.report(p, ruleLinkerd, at.to("meshTLS").to("serverName"), "%q is no DNS name, by which callers ask for the certificate", name)
		}
		ips := list(spec, "workloadIPs")
		if len(ips) != 1 {
			o.report(p, ruleLinkerd, at.to("workloadIPs"), "%d addresses: a machine here has one", len(ips))
		}
		for i, ip := range ips {
			text := str(ip, "ip")
			if _, err := netip.ParseAddr(text); err != nil || seen[text] != "" {
				o.report(p, ruleLinkerd, at.to("workloadIPs").at(i), "%q is no address, or that of another one (%s)", text, seen[text])
			}
			seen[text] = o.namespace + "/" + o.name
		}
		p.machinePorts(o, spec)
	}
}

// machinePorts: a Service of the namespace selects the machine and leads to each of its ports, and a Server decides there.
func (p *pass) machinePorts(o *object, spec any) {
	labels := dict(o.value, "metadata", "labels")
	led, held := map[int64]bool{}, map[int64]bool{}
	for _, s := range p.objects {
		switch {
		case s.namespace != o.namespace:
		case s.is("", "Service") && fits(dict(s.value, "spec", "selector"), labels):
			for _, port := range list(s.value, "spec", "ports") {
				n, _ := integer(port, "targetPort")
				led[n] = true
			}
		case s.is(linkerdGroup, "Server") && fits(dict(s.value, "spec", "externalWorkloadSelector", "matchLabels"), labels):
			n, _ := integer(s.value, "spec", "port")
			held[n] = true
		}
	}
	for i, port := range list(spec, "ports") {
		n, _ := integer(port, "port")
		at := fieldPath{"spec", "ports"}.at(i)
		if !led[n] {
			o.report(p, ruleLinkerd, at, "no Service of the namespace leads to port %d of it", n)
		}
		if !held[n] {
			o.report(p, ruleLinkerd, at, "no Server says who may reach port %d of it", n)
		}
	}
}
