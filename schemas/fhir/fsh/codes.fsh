// Written by `make profiles` from the lists the program uses; do not edit.

CodeSystem: AccessSystem
Id: access
Title: "Codelijst access"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/access"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #referred "verwezen"
* #direct "zonder verwijzing"
* #unknown "onbekend"

CodeSystem: AnsweredSystem
Id: answered
Title: "Codelijst answered"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/answered"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #yes "ja"
* #no "nee"
* #unknown "niet bekend"

CodeSystem: BusinessStatusSystem
Id: business-status
Title: "Codelijst business-status"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/business-status"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #opened "zaak geopend"
* #start "begin van de behandeling"
* #interim "tussenstand"
* #interim-4 "tussenstand na sessie 4"
* #interim-8 "tussenstand na sessie 8"
* #interim-12 "tussenstand na sessie 12"
* #end "einde van de behandeling"
* #stopped-without-effect "gestopt zonder effect"
* #answered "beantwoord"
* #calculated "berekend"
* #withdrawn "toestemming ingetrokken"
* #received "ontvangen"
* #refused "geweigerd"

CodeSystem: ComponentSystem
Id: component
Title: "Codelijst component"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/component"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #session-number "Evaluatie bij behandeling"
* #decision "Besluit bij evaluatie"
* #advice-taken-up "Adviezen opgepakt"
* #told-referrer-on "Terugkoppeling aan verwijzer"
* #count "aantal"
* #first-day "eerste dag"

CodeSystem: CompositionSystem
Id: composition
Title: "Codelijst composition"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/composition"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #summary "samenvatting"

CodeSystem: CounterfactualSystem
Id: counterfactual
Title: "Codelijst counterfactual"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/counterfactual"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #hospital "verwijzing naar het ziekenhuis"
* #imaging "beeldvormend onderzoek"
* #intervention "injectie of operatie"
* #medication "medicatie"
* #gp "behandeling door de huisarts"
* #nothing "niets"
* #unknown "onbekend"

CodeSystem: EffectSystem
Id: effect
Title: "Codelijst effect"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/effect"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #sufficient "voldoende"
* #insufficient "onvoldoende"
* #none "geen"
* #unknown "onbekend"

CodeSystem: EndReasonSystem
Id: end-reason
Title: "Codelijst end-reason"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/end-reason"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #goals-reached "doelen bereikt"
* #no-effect "geen effect"
* #stopped-by-client "gestopt door de cliënt"
* #referred-onward "doorverwezen"
* #maintenance "onderhoudsbehandeling"
* #moved "verhuisd"
* #died "overleden"
* #other "anders"
* #unknown "onbekend"

CodeSystem: EventSystem
Id: event
Title: "Codelijst event"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/event"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #case-opening "Opening van een zaak"
* #outcome-report "Uitkomstbericht"
* #feedback-to-referrer "Terugkoppeling aan de verwijzer: gestopt zonder effect"
* #partner-return "Antwoorden van de partner"
* #partner-aggregates "Tellingen van de partner"
* #indicator-report "Indicatorbericht"
* #consent-withdrawn "Toestemming ingetrokken"
* #acknowledgement "Ontvangstbevestiging"

CodeSystem: GoalSystem
Id: goal
Title: "Codelijst goal"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/goal"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #improvement "verbetering op een meetinstrument"

CodeSystem: InstrumentSystem
Id: instrument
Title: "Codelijst instrument"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/instrument"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #nprs "Pijnscore (NPRS)"
* #psk "Patiënt Specifieke Klachten (PSK)"
* #psfs "Patient Specific Functional Scale (PSFS)"
* #qbpds "Quebec Back Pain Disability Scale (QBPDS)"
* #ndi "Neck Disability Index (NDI)"
* #odi "Oswestry Disability Index (ODI)"
* #lefs "Lower Extremity Functional Scale (LEFS)"
* #rdq "Roland Disability Questionnaire (RDQ)"
* #quickdash "QuickDASH"
* #dash "DASH"
* #spadi "SPADI"
* #hoos "HOOS"
* #koos "KOOS"
* #tug "Timed Up and Go (TUG)"
* #6mwt "Zes minuten wandeltest (6MWT)"
* #10mwt "Tien meter looptest (10MWT)"
* #berg "Berg Balance Scale"
* #gpe "Global Perceived Effect (GPE-DV)"
* #copm "COPM"
* #mabc2 "Movement ABC-2 (percentiel)"
* #startback "STarT Back (prognose)"
* #ompsq "ÖMPSQ, korte versie (prognose)"
* #4dkl-distress "4DKL distress"
* #4dkl-depression "4DKL depressie"
* #4dkl-anxiety "4DKL angst"
* #4dkl-somatisation "4DKL somatisatie"
* #nijmegen "Nijmeegse lijst"
* #tsk "Tampa Schaal voor Kinesiofobie (TSK)"

CodeSystem: NextStepSystem
Id: next-step
Title: "Codelijst next-step"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/next-step"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #continue "doorgaan"
* #adjust "aanpassen"
* #hand-over "overdragen"
* #stop "stoppen"

CodeSystem: ObservationSystem
Id: observation
Title: "Codelijst observation"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/observation"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #measurement "score"
* #evaluation "evaluatie"
* #session.count "Aantal behandelingen"
* #answer.specialist-referral "Verwijzing naar medisch specialist"
* #answer.specialist-visit "Bezoek aan medisch specialist"
* #answer.imaging "Beeldvorming"
* #answer.injection "Injectie"
* #answer.surgery "Operatie"
* #answer.admission "Opname"
* #answer.gp-contact "Contacten met de huisarts"
* #answer.analgesic "Pijnstillers"
* #answer.fall "Valincidenten"
* #answer.programme-referral "Verwijzing naar een activiteit"
* #answer.programme-start "Gestart met een activiteit"
* #answer.programme-active "Nog actief bij de activiteit"
* #answer.municipal-support "Ondersteuning door de gemeente"
* #answer.work-days-lost "Verzuimdagen"
* #answer.left-list "Uitgeschreven, verhuisd of overleden"
* #aggregate.specialist-referrals "Aantal verwijzingen naar de specialist (totaal)"
* #aggregate.eligible-patients "Aantal patiënten met de afgesproken klachten (totaal)"

CodeSystem: OutputSystem
Id: output
Title: "Codelijst output"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/output"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #episode "behandeling"
* #goal "behandeldoel"
* #measure-report "telling of indicator"
* #observation "score, evaluatie of antwoord"
* #procedure "behandeling als verrichting"
* #session "sessie"

CodeSystem: SessionTypeSystem
Id: session-type
Title: "Codelijst session-type"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/session-type"
* ^caseSensitive = true
* ^content = #complete
* ^language = #nl
* #session "individuele behandeling"
* #group "groepsbehandeling"
* #screening "screening"
* #surcharge "toeslag"
* #other "anders"

CodeSystem: DcsphSystem
Id: dcsph
Title: "Diagnosecodesysteem paramedische hulp: vier cijfers, twee voor de plaats en twee voor de aandoening"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/dcsph"
* ^caseSensitive = true
* ^content = #not-present
* ^language = #nl

CodeSystem: DcsphLocationSystem
Id: dcsph-location
Title: "De eerste twee cijfers van de DCSPH: de plaats"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/dcsph-location"
* ^caseSensitive = true
* ^content = #not-present
* ^language = #nl

CodeSystem: MeasurePopulationSystem
Id: measure-population
Title: "Aantallen bij een indicator naast die van FHIR: due, answered, unknown, censored en part.*"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/measure-population"
* ^caseSensitive = true
* ^content = #not-present
* ^language = #nl

CodeSystem: PurposeSystem
Id: purpose
Title: "Doelen waarvoor toestemming geldt: de nummers van de doelen in een afspraak"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/purpose"
* ^caseSensitive = true
* ^content = #not-present
* ^language = #nl

CodeSystem: RuleSystem
Id: rule
Title: "Regels van exchange check, met hun nummer uit schemas/wording"
* ^url = "https://outcome-exchange.invalid/fhir/CodeSystem/rule"
* ^caseSensitive = true
* ^content = #not-present
* ^language = #nl

ValueSet: AccessCodes
Id: access-codes
Title: "AccessCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/access

ValueSet: AggregateCodes
Id: aggregate-codes
Title: "AggregateCodes"
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#aggregate.specialist-referrals
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#aggregate.eligible-patients

ValueSet: AnswerCodes
Id: answer-codes
Title: "AnswerCodes"
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.specialist-referral
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.specialist-visit
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.imaging
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.injection
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.surgery
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.admission
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.gp-contact
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.analgesic
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.fall
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.programme-referral
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.programme-start
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.programme-active
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.municipal-support
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.work-days-lost
* https://outcome-exchange.invalid/fhir/CodeSystem/observation#answer.left-list

ValueSet: AnsweredCodes
Id: answered-codes
Title: "AnsweredCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/answered

ValueSet: BusinessStatusCodes
Id: business-status-codes
Title: "BusinessStatusCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/business-status

ValueSet: CounterfactualCodes
Id: counterfactual-codes
Title: "CounterfactualCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/counterfactual

ValueSet: EffectCodes
Id: effect-codes
Title: "EffectCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/effect

ValueSet: EndReasonCodes
Id: end-reason-codes
Title: "EndReasonCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/end-reason

ValueSet: EventCodes
Id: event-codes
Title: "EventCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/event

ValueSet: InstrumentCodes
Id: instrument-codes
Title: "InstrumentCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/instrument

ValueSet: NextStepCodes
Id: next-step-codes
Title: "NextStepCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/next-step

ValueSet: OutputCodes
Id: output-codes
Title: "OutputCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/output

ValueSet: SessionTypeCodes
Id: session-type-codes
Title: "SessionTypeCodes"
* include codes from system https://outcome-exchange.invalid/fhir/CodeSystem/session-type

ValueSet: GoalStatusCodes
Id: goal-status-codes
Title: "GoalStatusCodes"
* http://hl7.org/fhir/goal-status#active
* http://hl7.org/fhir/goal-status#completed

ValueSet: TreatmentStatusCodes
Id: treatment-status-codes
Title: "TreatmentStatusCodes"
* http://hl7.org/fhir/event-status#completed
* http://hl7.org/fhir/event-status#in-progress
