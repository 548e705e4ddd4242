package rules

import (
	"testing"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
	"meshgen.dev/meshgen/profiles"
)

// Whatever kinds and versions a site puts together, the rules find faults and do not fall over.
func TestVersionRulesTakeEverySite(t *testing.T) {
	set, err := profile.Read(profiles.FS)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, mesh := range append(set.Meshes(), "none") {
		for _, cni := range append(set.CNIs(), "") {
			for _, balancer := range append(set.LoadBalancers(), "external") {
				for _, version := range []string{"", "1", "1.20.2", "1.29.7", "1.31.1", "2.20", "3.31.0", "1.2.3.4", "1.32.0-rc.1", "1.35.2+k3s1", "999.9"} {
					s := &site.Site{
						Environment: "production",
						Kubernetes: site.Kubernetes{Version: version, Distribution: "kubeadm", CNI: site.CNI{Kind: cni, Version: version},
							GatewayAPI: &site.GatewayAPI{Version: version, Channel: "standard"}},
						LoadBalancer: site.LoadBalancer{Kind: balancer, Version: version},
						Mesh:         site.Mesh{Kind: mesh, Version: version, Upgrade: &site.Upgrade{To: "1.30.7"}},
						Gateways: map[string]*site.Gateway{
							"own":   {Frontend: "gateway-api", Listeners: map[string]*site.Listener{"a": {Protocol: "tcp"}, "b": {Protocol: "udp"}, "c": {TLS: &site.TLS{Mode: "passthrough"}}}},
							"other": {Frontend: "gateway-api", Implementation: &site.Implementation{Kind: "envoy-gateway", Version: version}},
						},
						Registry: &site.Registry{},
						Patches:  []site.Patch{{}},
					}
					list, _ := check.Run(versionRules, check.OnSite, check.Input{Site: s, Profiles: set, Now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)})
					for _, f := range list {
						found[f.Name] = true
					}
				}
			}
		}
	}
	if len(found) < 8 {
		t.Errorf("all these sites together break only %v", found)
	}
}
