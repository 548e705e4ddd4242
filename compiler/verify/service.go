package verify

import (
	"fmt"
	"net/netip"
	"strings"
)

// checkService follows the API server's validation of Services (pkg/apis/core/validation in Kubernetes): the schema
// knows neither enums nor ranges.
func checkService(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	oneOf(p, o, ruleService, at, spec, "type", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
	oneOf(p, o, ruleService, at, spec, "externalTrafficPolicy", "Cluster", "Local")
	oneOf(p, o, ruleService, at, spec, "internalTrafficPolicy", "Cluster", "Local")
	oneOf(p, o, ruleService, at, spec, "sessionAffinity", "None", "ClientIP")
	oneOf(p, o, ruleService, at, spec, "ipFamilyPolicy", "SingleStack", "PreferDualStack", "RequireDualStack")
	oneOf(p, o, ruleService, at, spec, "trafficDistribution", "PreferClose", "PreferSameZone", "PreferSameNode")
	checkLabels(p, o, at.to("selector"), dict(spec, "selector"))
	p.checkServicePorts(o, at.to("ports"), list(spec, "ports"), servicePortRules(spec, o.partial))
	p.checkServiceAddresses(o, at, spec)
	if o.partial {
		return // the rest depends on what it is laid over
	}
	balanced := str(spec, "type") == "LoadBalancer"
	for _, field := range []string{"loadBalancerClass", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts", "loadBalancerIP"} {
		if has(spec, field) && !balanced {
			o.report(p, ruleService, at.to(field), "counts for type LoadBalancer only")
		}
	}
	if has(spec, "externalTrafficPolicy") && !balanced && str(spec, "type") != "NodePort" {
		o.report(p, ruleService, at.to("externalTrafficPolicy"), "counts for types LoadBalancer and NodePort only")
	}
	if has(spec, "healthCheckNodePort") && (!balanced || str(spec, "externalTrafficPolicy") != "Local") {
		o.report(p, ruleService, at.to("healthCheckNodePort"), "counts for type LoadBalancer with externalTrafficPolicy Local only")
	}
	if str(spec, "type") == "ExternalName" && !isDNSSubdomain(strings.TrimSuffix(str(spec, "externalName"), ".")) {
		o.report(p, ruleService, at.to("externalName"), "%q is no DNS name", str(spec, "externalName"))
	}
}

// portRules is what the ports of a Service depend on.
type portRules struct{ portless, nodePorts, nameless bool }

func servicePortRules(spec any, partial bool) portRules {
	t := str(spec, "type")
	return portRules{
		portless:  partial || str(spec, "clusterIP") == "None" || t == "ExternalName",
		nodePorts: partial || t == "NodePort" || t == "LoadBalancer",
		nameless:  partial, // merged by port: the name is that of the other list
	}
}

// checkServicePorts checks ports as they stand in a Service, in an object or in the values of a chart.
func (p *pass) checkServicePorts(o place, at fieldPath, ports []any, s portRules) {
	if len(ports) == 0 && !s.portless {
		o.report(p, ruleService, at, "a Service without ports")
	}
	names, numbers, nodePorts := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i, port := range ports {
		at := at.at(i)
		oneOf(p, o, ruleService, at, port, "protocol", "TCP", "UDP", "SCTP")
		protocol := str(port, "protocol")
		if protocol == "" {
			protocol = "TCP"
		}
		name := str(port, "name")
		switch {
		case name == "" && len(ports) > 1 && !s.nameless:
			o.report(p, ruleService, at, "no name, which a Service of several ports needs")
		case name != "" && !isDNSLabel(name):
			o.report(p, ruleService, at.to("name"), "%q is no DNS label", name)
		case name != "" && names[name]:
			o.report(p, ruleService, at.to("name"), "%q stands twice", name)
		}
		names[name] = true
		if n, ok := integer(port, "port"); ok {
			key := fmt.Sprint(n, protocol)
			switch {
			case !isPort(n):
				o.report(p, ruleService, at.to("port"), "%d is no port (1 to 65535)", n)
			case numbers[key]:
				o.report(p, ruleService, at.to("port"), "%d stands twice for %s", n, protocol)
			}
			numbers[key] = true
		}
		checkTargetPort(p, o, ruleService, at.to("targetPort"), get(port, "targetPort"))
		if n, ok := integer(port, "nodePort"); ok && n != 0 {
			low, high := p.releases.nodePorts()
			key := fmt.Sprint(n, protocol)
			switch {
			case !s.nodePorts:
				o.report(p, ruleService, at.to("nodePort"), "counts for types LoadBalancer and NodePort only")
			case n < low || n > high:
				o.report(p, ruleService, at.to("nodePort"), "%d is outside of the cluster's node ports, %d to %d", n, low, high)
			case nodePorts[key]:
				o.report(p, ruleService, at.to("nodePort"), "%d stands twice", n)
			}
			nodePorts[key] = true
		}
	}
}

func checkTargetPort(p *pass, o place, rule string, at fieldPath, v any) {
	switch v := v.(type) {
	case int64:
		if !isPort(v) {
			o.report(p, rule, at, "%d is no port (1 to 65535)", v)
		}
	case string:
		if !isPortName(v) {
			o.report(p, rule, at, "%q is no name of a port", v)
		}
	}
}

// checkServiceAddresses checks the fields of a Service that hold addresses, in an object or in the values of a chart.
func (p *pass) checkServiceAddresses(o place, at fieldPath, spec any) {
	for i, r := range strs(spec, "loadBalancerSourceRanges") {
		if !isCanonicalPrefix(strings.TrimSpace(r)) {
			o.report(p, ruleService, at.to("loadBalancerSourceRanges").at(i), "%q is no prefix without host bits", r)
		}
	}
	families := map[string]bool{}
	for i, f := range strs(spec, "ipFamilies") {
		if f != "IPv4" && f != "IPv6" || families[f] {
			o.report(p, ruleService, at.to("ipFamilies").at(i), "%q is not one of IPv4, IPv6, or stands twice", f)
		}
		families[f] = true
	}
	if len(families) > 1 && str(spec, "ipFamilyPolicy") == "SingleStack" {
		o.report(p, ruleService, at.to("ipFamilies"), "two families with ipFamilyPolicy SingleStack")
	}
	for _, field := range []string{"clusterIP", "loadBalancerIP"} {
		s := str(spec, field)
		if _, err := netip.ParseAddr(s); s != "" && err != nil && (field != "clusterIP" || s != "None") {
			o.report(p, ruleService, at.to(field), "%q is no address", s)
		}
	}
	for i, s := range strs(spec, "externalIPs") {
		if _, err := netip.ParseAddr(s); err != nil {
			o.report(p, ruleService, at.to("externalIPs").at(i), "%q is no address", s)
		}
	}
	if class, ok := get(spec, "loadBalancerClass").(string); ok && class != "" && !isQualifiedName(class) {
		o.report(p, ruleService, at.to("loadBalancerClass"), "%q is no qualified name", class)
	}
}
