package verify

import (
	"slices"
	"strconv"
)

// ciliumAdmitsOutside reports whether a policy of Cilium lets in who comes through a Service from outside at a port of its
// pods: the world, or networks, and where a node hands clients on under its own address without a tunnel, nodes too.
func (p *pass) ciliumAdmitsOutside(policy, service *object, target int64, protocol string) bool {
	wanted := []string{"world"}
	if str(service.value, "spec", "externalTrafficPolicy") != "Local" {
		for name, chart := range p.releases.Charts {
			if v := p.values[name]; v != nil && chart.Name == "cilium" && str(v.value, "routingMode") == "native" {
				wanted = append(wanted, "remote-node")
			}
		}
	}
	for _, who := range wanted {
		if !slices.ContainsFunc(list(policy.value, "spec", "ingress"), func(rule any) bool {
			from := slices.Contains(strs(rule, "fromEntities"), who) || who == "world" && len(strs(rule, "fromCIDR")) > 0
			return from && slices.ContainsFunc(list(rule, "toPorts"), func(t any) bool {
				return slices.ContainsFunc(list(t, "ports"), func(port any) bool {
					return str(port, "port") == strconv.FormatInt(target, 10) && str(port, "protocol") == protocol
				})
			})
		}) {
			return false
		}
	}
	return true
}
