package streamrecord

// problem is what is wrong at one position of the source.
type problem uint8

const (
	none        problem = iota
	malformed           // not JSON
	unsupported         // not the DynamoDB JSON of a value
	notMap              // another value than an M
	badNumber
	badString
	badBinary
	badText
	tooDeep
)

// problems has the code of each problem, and its words.
var problems = [...]struct{ code, text string }{
	malformed:   {BadRecord, "damaged JSON"},
	unsupported: {UnsupportedType, "not a value of one DynamoDB type"},
	notMap:      {UnsupportedType, "not an M"},
	badNumber:   {BadNumber, "an N that is no number"},
	badString:   {BadString, "a string with invalid UTF-8, half a surrogate pair, a control character or an unknown escape"},
	badBinary:   {BadBinary, "a B that is not base64"},
	badText:     {BadPayload, "a payload of type S is JSON text, and this is none"},
	tooDeep:     {TooDeep, "nested too deep"},
}
