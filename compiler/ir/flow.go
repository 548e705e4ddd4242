package ir

import (
	"net/netip"
	"strconv"
	"strings"
)

// Areas of flows: where a firewall that they have to pass may stand. They are also their order.
const (
	EdgeArea    = "edge"    // clients, and the virtual addresses
	FabricArea  = "fabric"  // nodes and switches
	NodeArea    = "nodes"   // nodes among each other, and their sources of time
	PodArea     = "pods"    // inside the pod network; outside it only where nothing encapsulates
	OutsideArea = "outside" // destinations that are not the site's
)

// Flow is a kind of connection that the site needs: who opens it, where to, and why. Answers are not flows.
type Flow struct {
	Area     string
	From, To FlowEnd
	Protocol string // tcp, udp, icmp, ipv6-icmp, vrrp, ipip, esp, any
	Port     uint16 // of the destination; 0: the protocol has none, or all
	Via      []string
	Why      string // one line
	Note     string // what else a filter has to know; "" for nothing
	Origin   From   // site paths that declare it, for people: none below another
	Reads    From   // site paths that may change it
}

// FlowEnd is one end of a flow.
type FlowEnd struct {
	Name      string         // "clients", "nodes of class edge", "service web/frontend"
	Anybody   bool           // every address
	Addresses []netip.Prefix // sorted; none where they are not declared
	Hosts     []string       // names, where the site knows no addresses
	Nodes     []string       // machines of the cluster that the end is, sorted: packets reach the host itself, no pod
}

// Where returns the addresses of an end, separated by spaces: an address alone without its prefix length. "any" stands for every
// address, "" for addresses that are not declared.
func (e *FlowEnd) Where() string {
	if e.Anybody {
		return "any"
	}
	parts := make([]string, 0, len(e.Addresses)+len(e.Hosts))
	for _, p := range e.Addresses {
		if p.IsSingleIP() {
			parts = append(parts, p.Addr().String())
		} else {
			parts = append(parts, p.String())
		}
	}
	return strings.Join(append(parts, e.Hosts...), " ")
}

// PortText returns the port, "" for none.
func (f *Flow) PortText() string {
	if f.Port == 0 {
		return ""
	}
	return strconv.Itoa(int(f.Port))
}
