Profile: MessageBundle
Parent: Bundle
Id: message
Title: "Message"
Description: "A message: its header first, then the Task that everything hangs on, then what the Task points to."
* identifier 1..1
* identifier.system 1..1
* identifier.system = "https://outcome-exchange.invalid/fhir/sid/message" (exactly)
* identifier.value 1..1
* type = #message (exactly)
* timestamp 1..1
* entry 1..*
* entry.fullUrl 1..1
* entry.resource 1..1
* entry.search 0..0
* entry.request 0..0
* entry.response 0..0

Profile: MessageHeaderOfExchange
Parent: MessageHeader
Id: message-header
Title: "Header of a message"
Description: "Which kind of message it is, from whom to whom, under which agreement, and what it answers."
* extension contains AgreementExtension named agreement 1..1
* event[x] only Coding
* eventCoding from EventCodes (required)
* destination 1..1
* destination.receiver 1..1
* destination.receiver only Reference(Party)
* sender 1..1
* sender only Reference(Party)
* author 0..0
* enterer 0..0
* responsible 0..0
* response.details only Reference(Refusal)
* focus 1..1
* focus only Reference(ExchangeTask)

Profile: ExchangeTask
Parent: Task
Id: exchange-task
Title: "Task of the exchange"
Description: "Who asked whom, how far it is, and what came of it. Its identifier is the case: all messages of a case have it."
* intent = #order (exactly)
* businessStatus 1..1
* businessStatus from BusinessStatusCodes (required)
* description 0..0
* note 0..0
* input 0..0
* authoredOn 1..1
* requester 1..1
* requester only Reference(Party)
* owner 1..1
* owner only Reference(Party)
* focus only Reference(ReferralRequest)
* for only Reference(Person)
* output.type from OutputCodes (required)
* output.value[x] only Reference

Profile: ReferralRequest
Parent: ServiceRequest
Id: referral
Title: "Referral"
Description: "The referral, or the bare request that the exchange is about where nothing of a referral is told."
* extension contains CounterfactualExtension named counterfactual 0..1 and RecordedOnExtension named recordedOn 0..1
* identifier 1..1
* identifier.system 1..1
* identifier.system = "https://outcome-exchange.invalid/fhir/sid/case-id" (exactly)
* identifier.value 1..1
* status = #active (exactly)
* intent = #order (exactly)
* subject only Reference(Person)
* reasonCode 0..1
* note 0..0

Profile: Person
Parent: $nl-patient
Id: person
Title: "Person"
Description: "The person: a bare random id unless the agreement allows more, and then as nl-core has it."
* identifier 0..1
* name 0..1
* telecom 0..0
* address 0..0
* photo 0..0
* contact 0..0
* communication 0..0
* generalPractitioner 0..0
* link 0..0

Profile: Party
Parent: $nl-organization
Id: party
Title: "Party"
Description: "A party to the agreement, with one number and the name it goes by."
* identifier 1..1
* identifier.system 1..1
* identifier.value 1..1
* name 1..1
* telecom 0..0
* address 0..0
* contact 0..0

Profile: MessageProvenance
Parent: Provenance
Id: message-provenance
Title: "Provenance of a message"
Description: "Who made the content, when, and under which version of which agreement."
* policy 1..1
* agent 1..1
* agent.type 1..1
* agent.type = $participant#author
* agent.who only Reference(Party)

Profile: MessageSummary
Parent: Composition
Id: message-summary
Title: "Summary of a message"
Description: "What the message says, for people and in Dutch; nothing is said here that is not in the other entries."
* status = #final (exactly)
* type = $composition#summary
* author 1..1
* author only Reference(Party)
* section 1..1
* section.text 1..1
* section.entry 0..0
* section.section 0..0

Profile: ExchangeConsent
Parent: Consent
Id: exchange-consent
Title: "Consent"
Description: "Whether the patient consents, refuses or withdrew, for which purpose and since which day. The agreement is linked."
* scope = $scope#patient-privacy
* category 1..1
* category.coding 1..1
* category.coding.system 1..1
* category.coding.system = "https://outcome-exchange.invalid/fhir/CodeSystem/purpose" (exactly)
* category.coding.code 1..1
* patient 1..1
* patient only Reference(Person)
* dateTime 1..1
* source[x] 0..0
* policy 1..1
* policy.uri 1..1
* verification 0..0
* provision 0..0

Profile: Refusal
Parent: OperationOutcome
Id: refusal
Title: "Refusal"
Description: "Which rules a refused message broke, by their ids; no value out of it is repeated."
* issue.details 1..1
* issue.details.coding 1..1
* issue.details.coding.system 1..1
* issue.details.coding.system = "https://outcome-exchange.invalid/fhir/CodeSystem/rule" (exactly)
* issue.details.coding.code 1..1
* issue.diagnostics 0..0
