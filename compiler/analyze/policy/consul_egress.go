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
	for _, w := range c.ways {
		if slices.ContainsFunc(w.spec.Services, func(s struct {
			Name string `json:"name"`
		}) bool {
			return s.Name == found.Name
		}) {
			return ConsulExit{Allowed: true, Way: w.Name, By: found.Object}
		}
	}
	return ConsulExit{By: found.Object} // nobody stands for it
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
