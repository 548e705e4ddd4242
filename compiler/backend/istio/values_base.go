package istio

import "meshgen.dev/meshgen/compiler/artifact"

// baseValues: the chart of the CRDs and of the webhook that validates objects without a revision label.
func (e *emitter) baseValues(y *artifact.YAML) {
	m := &e.p.Mesh
	e.profile(y)
	y.Comment("Whose Service the validating webhook calls. With another value it would call one that does not exist, and every\n" +
		"Istio object would be refused; it also tells which istiod owns a Gateway that names none.")
	y.From("", m.From.Of("revision")...)
	y.KV("defaultRevision", m.RevisionLabel())
	y.Fixed()
	failClosed(y)
	y.Map("global", func() { y.KV("istioNamespace", m.Namespace) })
}
