package ir

// Patch is a change of objects that the language cannot express. Where its target is an object of the tree, the
// kustomization of that object's phase carries it; where it is one of a chart, the release does.
type Patch struct {
	Kind, Name string // of the objects that it changes
	Text       string // strategic merge or JSON patch, in YAML
	Charts     bool   // its target is an object of a chart
	From       From
}

// ChartPatch is a change of one object that a chart makes.
type ChartPatch struct {
	APIVersion, Kind, Namespace, Name string
	Text                              string           // as kustomize takes it
	Operations                        []map[string]any // of a JSON patch; nil for a strategic merge
	Merge                             map[string]any   // with the names of its object; nil for a JSON patch
	From                              From
}
