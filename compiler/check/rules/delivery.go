package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// deliveryRules are the rules about delivery and upgrades.
var deliveryRules = []*check.Rule{
	DeliveryRepository,
}

// DeliveryRepository finds a delivery from a repository that is not named.
var DeliveryRepository = &check.Rule{
	ID: "MG8101", Name: "delivery-repository", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site is delivered from a Git repository and does not say from which

What runs in the cluster reads the output there, and has to be told the address.`,
	Run: func(p *check.Pass) {
		if d := p.Site.Delivery; d.Kind != "kustomize" && d.Repository == "" {
			p.Reportf("delivery", "delivery by %s reads the output from a repository, and none is named", d.Kind).
				Hintf(`add delivery: repository: "https://…", or deliver by hand: delivery: kind: "kustomize"`)
		}
	},
}
