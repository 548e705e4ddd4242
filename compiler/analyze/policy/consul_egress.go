package policy

import (
	"net/netip"
	"slices"
	"strings"
)

// consulDestination is what is outside, as ServiceDefaults say it.
type consulDestination struct {
	meta
	Addresses []string `json:"addresses"`
	Port      uint16   `json:"port"`
}

// consulWay is a terminating gateway.
type consulWay struct {
	meta
	spec struct {
		Services []struct {
			Name string `json:"name"`
		} `json:"services"`
		Deployment any `json:"deployment"`
	}
}

// ConsulDeparture is what a proxy sees of a connection to the outside: who opens it, the address, and the name in the first
// packet of TLS or in the request, "" for none.
type ConsulDeparture struct {
	From    string
	Address netip.Addr
	Host    string
	Port    uint16
	HTTP    bool // a request; else TLS where Host is given
}

// ConsulExit is what becomes of it.
type ConsulExit struct {
	Allowed bool
	Way     string // terminating gateway; "" for the proxy itself
	By      Object
}

// Departs follows a connection to the outside. A proxy knows the destinations whose intentions admit its service. It looks at
// the port first: where a destination has it, at destinations alone, by address or by the name in TLS; one that speaks
// requests takes all that is left at its port and goes by their host. What is no destination is let out as it is, unless
// the mesh knows declared ones alone.
func (c *Consul) Departs(q ConsulDeparture) ConsulExit {
	known := false
	var requests, found *consulDestination
	for _, name := range c.outsideNames() {
		d := c.outside[name]
		if d.Port != q.Port || !c.lets(q.From, name) {
			continue
		}
		known = true
		for _, a := range d.Addresses {
			ip, err := netip.ParseAddr(a)
			named := q.Host != "" && strings.EqualFold(a, q.Host)
			switch {
			case c.requests(name) && q.HTTP && named:
				requests = d
			case c.requests(name):
			case err == nil && ip == q.Address, err != nil && !q.HTTP && named:
				found = d
			}
		}
	}
	if found == nil {
		found = requests
	}
	if found == nil {
		return ConsulExit{Allowed: !known && !c.meshOnly}
	}
	way := c.way(found.Name) // "": nobody stands for it
	return ConsulExit{Allowed: way != "", Way: way, By: found.Object}
}

// way is the terminating gateway that stands for a service, "" for none.
func (c *Consul) way(service string) string {
	for _, w := range c.ways {
		for _, s := range w.spec.Services {
			if s.Name == service {
				return w.Name
			}
		}
	}
	return ""
}

// consulMachine is a machine in the catalog.
type consulMachine struct {
	meta
	spec struct {
		Node    string `json:"node"`
		Address string `json:"address"`
		Service struct {
			ID      string `json:"id"`
			Name    string `json:"name"`
			Address string `json:"address"`
			Port    uint16 `json:"port"`
			Weights any    `json:"weights"`
		} `json:"service"`
	}
}

// Machines are where the catalog has a service that is no pods, and the terminating gateway that leads there.
func (c *Consul) Machines(service string) (all []netip.AddrPort, way string) {
	for _, m := range c.machines {
		if a, err := netip.ParseAddr(m.spec.Service.Address); err == nil && m.spec.Service.Name == service {
			all = append(all, netip.AddrPortFrom(a, m.spec.Service.Port))
		}
	}
	return all, c.way(service)
}

// Shadows reports whether the proxy of a service would look for what is at a port outside alone.
func (c *Consul) Shadows(from string, port uint16) bool {
	return slices.ContainsFunc(c.outsideNames(), func(name string) bool { return c.outside[name].Port == port && c.lets(from, name) })
}

// lets reports whether intentions admit a service to a destination, with whatever request.
func (c *Consul) lets(from, name string) bool {
	ok, _ := c.Admits(ConsulRequest{From: from, To: name, Method: "GET", Path: "/"})
	return ok && from != ""
}

func (c *Consul) requests(name string) bool {
	p := c.protocols[name]
	return p != "" && p != "tcp"
}

func (c *Consul) outsideNames() []string {
	var out []string
	for name := range c.outside {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Of the pods of a terminating gateway (hashicorp/consul-k8s v2.0.3 charts/consul/templates/terminating-gateways-deployment.yaml,
// 2026-11-21): the port, and the labels apart from the release's.
const consulWayPort = 8443

func (c *Consul) wayPods(name string) *Workload {
	w := &Workload{Name: name, Opted: true, Labels: map[string]string{"app": "consul", "component": "terminating-gateway", "terminating-gateway-name": "consul-" + name}}
	for i := range c.ways {
		if c.ways[i].Name == name {
			w.Namespace = c.ways[i].Namespace
		}
	}
	return w
}

// consulMachine follows a connection to machines of the catalog: to the terminating gateway that stands for them, where
// their intentions hold, and on to the machines.
func (m *Model) consulMachine(from Caller, to *Workload, port Port, req Request) []Step {
	at := to.Namespace + "/" + to.Name
	behind, name := m.consul.Machines(to.Name)
	registered := slices.ContainsFunc(behind, func(a netip.AddrPort) bool { return a.Addr() == to.Address && a.Port() == port.Target })
	s := Step{Layer: Registry, At: at, Effect: Allow, Why: "behind terminating gateway " + name}
	if name == "" || !registered || !m.proxied(from.Workload) {
		s.Effect, s.Why = Refuse, "nobody is behind the address of its Service but for proxies that find it in the catalog"
		return []Step{s}
	}
	way := m.consul.wayPods(name)
	wire := Port{Target: consulWayPort, Protocol: "tcp"}
	steps := []Step{s,
		m.filter(Egress, from.Workload, end{w: way}, "", wire, req),
		m.filter(Ingress, way, end{from.Workload, from.Workload.Address}, "", wire, req)}
	steps = append(steps, m.admitted(from, to, port, req)...)
	return append(steps, m.filter(Egress, way, end{address: to.Address}, "", Port{Target: port.Target, Protocol: "tcp"}, req))
}
