package template

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// module evaluates a Terraform configuration.
type module struct {
	values    Values
	variables map[string]hcl.Expression // defaults
	locals    map[string]hcl.Expression
	resources map[[2]string]*hclsyntax.Body // by type and name
	order     [][2]string
	// resolving are the locals being evaluated, against a circle.
	resolving map[string]bool
}

// LoadTerraform reads the configuration in a folder.
func LoadTerraform(dir string, values Values) (*Template, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("template: no *.tf in %s", dir)
	}
	texts := map[string][]byte{}
	for _, file := range files {
		if texts[file], err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
	}
	t, err := parseTerraform(texts, values)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	t.Path = dir
	return t, nil
}

func parseTerraform(files map[string][]byte, values Values) (*Template, error) {
	m := &module{
		values: values, variables: map[string]hcl.Expression{}, locals: map[string]hcl.Expression{},
		resources: map[[2]string]*hclsyntax.Body{}, resolving: map[string]bool{},
	}
	parser := hclparse.NewParser()
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f, diags := parser.ParseHCL(files[name], name)
		if diags.HasErrors() {
			return nil, diags
		}
		if err := m.collect(f.Body.(*hclsyntax.Body)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	t := &Template{Values: values, build: buildTerraform}
	for _, key := range m.order {
		made, err := m.instances(key)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", key[0], key[1], err)
		}
		t.Resources = append(t.Resources, made...)
	}
	filters, err := m.local("relay_filters")
	if err != nil {
		return nil, err
	}
	v, err := plain(filters)
	if err != nil {
		return nil, err
	}
	object, _ := v.(map[string]any)
	t.Filters = map[string]string{}
	for name, pattern := range object {
		t.Filters[name], _ = pattern.(string)
	}
	return t, nil
}

func (m *module) collect(b *hclsyntax.Body) error {
	for _, block := range b.Blocks {
		switch block.Type {
		case "variable":
			if d := block.Body.Attributes["default"]; d != nil {
				m.variables[block.Labels[0]] = d.Expr
			}
		case "locals":
			for name, a := range block.Body.Attributes {
				m.locals[name] = a.Expr
			}
		case "resource":
			key := [2]string{block.Labels[0], block.Labels[1]}
			m.resources[key] = block.Body
			m.order = append(m.order, key)
		case "terraform", "data", "output":
		default:
			return fmt.Errorf("a block %q is not evaluated", block.Type)
		}
	}
	return nil
}

// instances evaluates a resource: one, or one for each of for_each.
func (m *module) instances(key [2]string) ([]Resource, error) {
	b := m.resources[key]
	each := b.Attributes["for_each"]
	if each == nil {
		object, err := m.body(b, nil)
		return []Resource{{Type: key[0], Name: key[1], Body: object}}, err
	}
	all, err := m.eval(each.Expr, nil)
	if err != nil {
		return nil, err
	}
	var made []Resource
	for it := all.ElementIterator(); it.Next(); {
		k, v := it.Element()
		object, err := m.body(b, map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": k, "value": v})})
		if err != nil {
			return nil, err
		}
		made = append(made, Resource{Type: key[0], Name: k.AsString(), Body: object})
	}
	return made, nil
}

// body evaluates the arguments and blocks of a resource.
func (m *module) body(b *hclsyntax.Body, scope map[string]cty.Value) (map[string]any, error) {
	object := map[string]any{}
	for name, a := range b.Attributes {
		if name == "depends_on" || name == "for_each" {
			continue
		}
		v, err := m.eval(a.Expr, scope)
		if err != nil {
			return nil, err
		}
		if object[name], err = plain(v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, block := range b.Blocks {
		inner, err := m.body(block.Body, scope)
		if err != nil {
			return nil, err
		}
		list, _ := object[block.Type].([]any)
		object[block.Type] = append(list, inner)
	}
	return object, nil
}

// functions are the ones that the configuration calls. A package that is not
// built yet counts as absent.
var functions = map[string]function.Function{
	"jsonencode":       stdlib.JSONEncodeFunc,
	"floor":            stdlib.FloorFunc,
	"try":              tryfunc.TryFunc,
	"fileexists":       constant(cty.False),
	"filebase64sha256": constant(cty.StringVal("")),
}

func constant(v cty.Value) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(v.Type()),
		Impl:   func([]cty.Value, cty.Type) (cty.Value, error) { return v, nil },
	})
}

// eval evaluates an expression; scope holds names beside those of the module.
func (m *module) eval(e hcl.Expression, scope map[string]cty.Value) (cty.Value, error) {
	tree := map[string]any{}
	for _, t := range e.Variables() {
		if _, ok := scope[t.RootName()]; ok {
			continue
		}
		path, v, err := m.resolve(t)
		if err != nil {
			return cty.NilVal, fmt.Errorf("%s: %w", e.Range(), err)
		}
		put(tree, path, v)
	}
	variables := map[string]cty.Value{}
	for name, v := range tree {
		variables[name] = objectOf(v)
	}
	for name, v := range scope {
		variables[name] = v
	}
	v, diags := e.Value(&hcl.EvalContext{Variables: variables, Functions: functions})
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	return v, nil
}

// put sets a value in a tree of maps.
func put(tree map[string]any, path []string, v cty.Value) {
	for _, name := range path[:len(path)-1] {
		next, ok := tree[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[name] = next
		}
		tree = next
	}
	tree[path[len(path)-1]] = v
}

func objectOf(v any) cty.Value {
	tree, ok := v.(map[string]any)
	if !ok {
		return v.(cty.Value)
	}
	object := map[string]cty.Value{}
	for name, v := range tree {
		object[name] = objectOf(v)
	}
	return cty.ObjectVal(object)
}

func (m *module) local(name string) (cty.Value, error) {
	e, ok := m.locals[name]
	if !ok {
		return cty.NilVal, fmt.Errorf("there is no local.%s", name)
	}
	if m.resolving[name] {
		return cty.NilVal, fmt.Errorf("local.%s needs itself", name)
	}
	m.resolving[name] = true
	defer delete(m.resolving, name)
	return m.eval(e, nil)
}

// plain turns a value into maps, slices, strings, bools and float64; null is
// nil.
func plain(v cty.Value) (any, error) {
	if v == cty.NilVal || !v.IsWhollyKnown() {
		return nil, errors.New("a value that is not known")
	}
	if v.IsNull() {
		return nil, nil
	}
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil, err
	}
	var out any
	err = json.Unmarshal(text, &out)
	return out, err
}
