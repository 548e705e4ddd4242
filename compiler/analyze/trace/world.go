package trace

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
)

// World says which workloads of a plan exist, each with a pod address of its own.
func World(p *ir.Plan) policy.World {
	charts := "charts/" + p.Name + "/"
	w := policy.World{MeshNamespace: p.Mesh.Namespace, NodeAddress: p.Nodes[0].Addresses[0]}
	switch p.Mesh.Kind {
	case "istio-sidecar", "istio-ambient":
		w.MeshValues = charts + "istiod/values.yaml"
	case "linkerd":
		w.Linkerd = charts + "linkerd-control-plane/values.yaml"
	case "consul":
		w.Consul = charts + "consul/values.yaml"
	}
	for _, r := range p.Releases {
		switch {
		case r.Component == "cilium":
			w.Cilium = charts + r.Name + "/values.yaml"
		case r.Chart != "istiod":
		case r.Revision == p.Mesh.Revision:
			w.MeshValues = charts + r.Name + "/values.yaml"
		default:
			w.NextValues = charts + r.Name + "/values.yaml"
		}
	}
	if b := p.Balancers; b != nil {
		w.Balancer = b.Members[0].Address
	}
	address := p.Cluster.PodCIDRs[0].Addr()
	labels := func(list []ir.KV) map[string]string {
		out := map[string]string{}
		for _, kv := range list {
			out[kv.Key] = kv.Value
		}
		return out
	}
	for _, s := range p.Services {
		address = address.Next()
		x := policy.Workload{Namespace: s.Namespace, Name: s.Name, Host: s.Host, ServiceAccount: s.ServiceAccount, Labels: labels(s.Labels), Address: address, Headless: s.Headless}
		if s.Workload == ir.Machine {
			x.Machine, x.Address = true, s.Addresses[0]
		}
		for _, port := range s.Ports {
			x.Ports = append(x.Ports, policy.Port{Name: port.Name, Port: port.Port, Target: port.TargetPort, Protocol: port.Protocol})
		}
		w.Workloads = append(w.Workloads, x)
	}
	for _, g := range p.Gateways {
		address = address.Next()
		w.ProxyProtocol = w.ProxyProtocol || g.ProxyProtocol
		x := policy.Workload{Namespace: g.Namespace, Name: g.Name, Host: g.Release + "." + g.Namespace + ".svc." + p.Cluster.Domain,
			ServiceAccount: g.ServiceAccount, Labels: labels(g.Selector), Address: address, Gateway: true}
		if g.Frontend == ir.FrontendIstio {
			x.Values = charts + g.Release + "/values.yaml"
		}
		w.Workloads = append(w.Workloads, x)
	}
	for _, e := range p.EgressProxies {
		if e.Pods.Frontend != ir.FrontendIstio {
			continue // a waypoint, which the objects name
		}
		address = address.Next()
		g := &e.Pods
		w.Egress = append(w.Egress, policy.Workload{Namespace: g.Namespace, Name: g.Name, Host: e.Host, ServiceAccount: g.ServiceAccount,
			Labels: labels(g.Selector), Address: address, Gateway: true, Values: charts + g.Release + "/values.yaml"})
	}
	return w
}

// workload finds who a question names: a service, "namespace/name", or the pods of a gateway, "gateway:name".
func (t *Tracer) workload(name string) (*policy.Workload, error) {
	gateway, is := strings.CutPrefix(name, gatewayPrefix)
	var all []string
	for i := range t.world.Workloads {
		w := &t.world.Workloads[i]
		if is && w.Gateway && w.Name == gateway || !is && !w.Gateway && w.Namespace+"/"+w.Name == name {
			return w, nil
		}
		if w.Gateway {
			all = append(all, gatewayPrefix+w.Name)
		} else {
			all = append(all, w.Namespace+"/"+w.Name)
		}
	}
	return nil, &Unknown{"service", name, load.Closest(name, all), all}
}

// gatewayPrefix is in front of the name of a gateway where a service could stand.
const gatewayPrefix = "gateway:"

// complete fills in what a question about a service leaves out.
func complete(q Question, callee *policy.Workload) (Question, error) {
	if callee.Gateway {
		return q, fmt.Errorf("%s is a gateway: ask for the host name that it serves", q.To)
	}
	if len(callee.Ports) == 0 {
		return q, fmt.Errorf("%s declares no ports: nobody can call it", q.To)
	}
	i := slices.IndexFunc(callee.Ports, func(p policy.Port) bool { return p.Port == q.Port })
	if q.Port == 0 {
		i, q.Port = 0, callee.Ports[0].Port
	}
	http := i >= 0 && ir.IsHTTP(callee.Ports[i].Protocol)
	switch {
	case !http:
		q.Method, q.Path = "", ""
	case q.Method == "" && callee.Ports[i].Protocol == "grpc":
		q.Method = "POST"
	case q.Method == "":
		q.Method = "GET"
	}
	if http && q.Path == "" {
		q.Path = "/"
	}
	return q, nil
}

// Unknown is the error of a name that the site has not.
type Unknown struct {
	Kind, Name string
	Near       string // the name of the site that is most like it; "": none is
	Known      []string
}

func (u *Unknown) Error() string {
	if u.Near != "" {
		return fmt.Sprintf("the site has no %s %q; did you mean %q?", u.Kind, u.Name, u.Near)
	}
	if len(u.Known) == 0 {
		return fmt.Sprintf("the site has no %s %q, and no other", u.Kind, u.Name)
	}
	return fmt.Sprintf("the site has no %s %q, but %s", u.Kind, u.Name, strings.Join(u.Known, ", "))
}
