// Package site is the typed description of one site: what load reads from a CUE, YAML or JSON file and what every
// later stage starts from.
//
// In: a document that the schema (package schema) has accepted. Out: plain structs, one field for each field of the
// language, named alike. Defaults that stand by themselves are filled in by the schema; a default that depends on
// another field is not: such a field is a pointer, or its zero value means "not given", and package lower decides it.
// There are no positions here: findings speak in site paths (see Join), and load turns them into lines.
package site

// Site is one cluster on one site: the machines, the switches between them and the mesh on top.
type Site struct {
	APIVersion     string                    `json:"apiVersion"`     // version of the language: "meshgen.dev/v1"
	Name           string                    `json:"name"`           // DNS label; names every generated object and file
	Region         string                    `json:"region"`         // topology.kubernetes.io/region of all nodes
	Environment    string                    `json:"environment"`    // production, staging or lab
	Owner          string                    `json:"owner"`          // team answerable for the site
	Kubernetes     Kubernetes                `json:"kubernetes"`     //
	Components     Components                `json:"components"`     // what meshgen installs, and what it only relies on
	Fabric         Fabric                    `json:"fabric"`         //
	Racks          map[string]*Rack          `json:"racks"`          // by rack name
	NodeClasses    map[string]*NodeClass     `json:"nodeClasses"`    // by class name
	Time           Time                      `json:"time"`           //
	Pools          map[string]*Pool          `json:"pools"`          // by pool name
	LoadBalancer   LoadBalancer              `json:"loadBalancer"`   //
	Mesh           Mesh                      `json:"mesh"`           //
	Gateways       map[string]*Gateway       `json:"gateways"`       // by gateway name
	Exposures      map[string]*Exposure      `json:"exposures"`      // LoadBalancer Services that no mesh gateway serves
	EgressGateways map[string]*EgressGateway `json:"egressGateways"` // by name, referred to by External.Via
	Namespaces     map[string]*Namespace     `json:"namespaces"`     // by namespace name
	External       map[string]*External      `json:"external"`       // destinations outside the site, by name
	Federation     *Federation               `json:"federation"`     // nil: the site stands alone
	Resilience     *Resilience               `json:"resilience"`     // nil: no promise to check
	ChangeBudget   *ChangeBudget             `json:"changeBudget"`   // nil: no limit on what one change may touch
	Maintenance    *Maintenance              `json:"maintenance"`    // nil: changes at any time
	Capacity       Capacity                  `json:"capacity"`       //
	Observability  Observability             `json:"observability"`  //
	Secrets        *Secrets                  `json:"secrets"`        // nil: Secrets are made by hand
	Delivery       Delivery                  `json:"delivery"`       //
	Registry       *Registry                 `json:"registry"`       // nil: upstream registries
	AirGapped      bool                      `json:"airGapped"`      // nothing may refer to a public host; default false
	Patches        []Patch                   `json:"patches"`        // carried into the overlay as they are
	Waivers        []Waiver                  `json:"waivers"`        // findings accepted for a while
}

// Patch is a kustomize patch of the user's, carried to its target: an object of the overlay, or of a chart.
type Patch struct {
	Target PatchTarget `json:"target"`
	Patch  string      `json:"patch"` // strategic-merge or JSON 6902 text
}

// PatchTarget selects the objects that a Patch changes.
type PatchTarget struct {
	Kind string `json:"kind"` // "Deployment"
	Name string `json:"name"` // metadata.name
}

// Waiver accepts one rule's findings at a place until a day.
type Waiver struct {
	Rule   string `json:"rule"`   // ID or name of the rule
	At     string `json:"at"`     // site path; covers what lies below it
	Reason string `json:"reason"` // why this is acceptable
	Until  string `json:"until"`  // last day, "2027-03-31"
}
