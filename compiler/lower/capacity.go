package lower

import (
	"cmp"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

const (
	// kernelPorts is net.ipv4.ip_local_port_range of a new network namespace: the kernel's own default, whatever the
	// host's files say (net/ipv4/af_inet.c, inet_init_net).
	kernelPorts = "32768 60999"
	// maxCounted is the greatest pool whose addresses are counted.
	maxCounted = 1 << 24
)

// capacity adds up what the declared load takes. Every pod counts as meshed, so that the memory of proxies is an upper
// bound.
func (l *lowering) capacity() {
	c := &l.p.Capacity
	c.Shared = l.meshProfile().Proxies == "node"
	proxy := l.meshProfile().ProxyResources.Memory
	request := site.ParseQuantity(cmp.Or(l.p.Mesh.Proxy.MemoryRequest, proxy.Request))
	limit := site.ParseQuantity(cmp.Or(l.p.Mesh.Proxy.MemoryLimit, proxy.Limit))
	cpu := site.ParseMilli(cmp.Or(l.p.Mesh.Proxy.CPURequest, l.meshProfile().ProxyResources.CPU.Request))
	const mib = 1 << 20
	c.Proxy = ir.ProxySize{RequestMiB: int(request / mib), LimitMiB: int(limit / mib)}
	if r := l.meshProfile().Release(l.p.Mesh.Version); r != nil {
		c.Proxy.Envoy = r.Envoy != "" && !c.Shared
	}
	if u := l.meshProfile().Use; u != nil {
		c.Proxy.MeasuredMB, c.Proxy.Requests, c.Proxy.Services, c.Proxy.WaypointMB = u.MemoryMB, u.Requests, u.Services, u.WaypointMB
	}
	for _, g := range l.p.Groups {
		n := ir.NodeLoad{Group: g.Name, Nodes: len(g.Nodes), Pods: g.Conntrack.Pods, Proxies: g.Conntrack.Pods}
		if c.Shared {
			n.Proxies = 1
		}
		n.RequestMiB, n.LimitMiB = int(request*int64(n.Proxies)/mib), int(limit*int64(n.Proxies)/mib)
		n.MemoryMiB = int(site.ParseQuantity(l.s.NodeClasses[g.Class].Memory) / mib)
		if n.HugePages = l.hugePages(g.Class); n.HugePages != nil {
			n.MemoryMiB = max(0, n.MemoryMiB-n.HugePages.MiB)
		}
		if n.MemoryMiB > 0 {
			n.LimitPercent = n.LimitMiB * 100 / n.MemoryMiB
		}
		n.RequestMilli, n.Cores = int(cpu)*n.Proxies, l.s.NodeClasses[g.Class].Cores
		n.RequestPercent = n.RequestMilli / (10 * max(n.Cores, 1))
		c.Nodes = append(c.Nodes, n)
	}
	for _, p := range l.p.Pools {
		u := ir.PoolUse{Pool: p.Name, Used: len(p.VIPs)}
		for _, prefix := range p.Prefixes {
			if bits := prefix.Addr().BitLen() - prefix.Bits(); bits > 24 || u.Total < 0 || u.Total+1<<bits > maxCounted {
				u.Total = -1
			} else {
				u.Total += 1 << bits
			}
		}
		if u.Free = u.Total - u.Used; u.Total < 0 {
			u.Free = -1
		}
		c.Pools = append(c.Pools, u)
	}
	c.Ports = append(c.Ports, portUse("a pod", kernelPorts))
	for _, g := range l.p.Gateways {
		for _, s := range g.PodSysctls {
			if s.Key == "net.ipv4.ip_local_port_range" {
				c.Ports = append(c.Ports, portUse("a pod of gateway "+g.Name, s.Value))
			}
		}
	}
}

func portUse(who, ports string) ir.PortUse {
	first, last, _ := strings.Cut(ports, " ")
	a, _ := strconv.Atoi(first)
	b, _ := strconv.Atoi(last)
	return ir.PortUse{Who: who, Range: ports, Ports: b - a + 1, Rate: (b - a + 1) / timeWaitSecs}
}
