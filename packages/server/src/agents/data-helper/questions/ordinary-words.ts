import { isSpelt, openWords, plainWords } from '../triage-vocabulary.ts'
import {
  aggregateWords,
  comparisons,
  equalities,
  fillers,
  introducers,
  notUnderstood,
  outcomes,
  rowNouns,
} from './vocabulary.ts'
import { nearlySame, stem } from './words.ts'

const set = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/u))

const grammar: ReadonlySet<string> = new Set([
  ...fillers,
  ...introducers,
  ...aggregateWords.keys(),
  ...rowNouns,
  ...notUnderstood.keys(),
  ...outcomes.failed,
  ...outcomes.succeeded,
  ...plainWords,
  ...openWords,
  ...[...comparisons, ...equalities].flatMap(([phrase]) => phrase.split(' ')),
  ...set(
    `i we us me you they them he she it its mine ours your their theirs himself itself themselves one ones everyone
everybody everything anyone anybody anything someone somebody something nobody nothing none each every both either
another such same own some few several most more less least enough lot lots bit many much half whole entire all am will
shall may might must cannot could as so too very also even still yet already again just only ever often always
sometimes usually mostly mainly about around roughly nearly almost then than once twice while during within into onto
out off up down through across between along against towards toward via behind beyond near per vs today now here
either neither though although unless until if got gets getting goes going gone done doing being having let lets
take takes took taking keep keeps give gives gave make makes made put puts see sees seen say says said seem seems
become becomes became want wants need needs try tried happen happens happened come comes look looks work works run
runs running ran help helps start starts started stop stops add adds work know known think mean means`,
  ),
])

/** Words of questions about AI usage that are no name of a customer, a feature or a model, whoever asks. */
const nouns: ReadonlySet<string> = set(
  `ai llm llms api apis app apps bot bots chatbot chatbots assistant assistants agent agents product products platform
service services system systems software tool tools website company organisation organization business enterprise
firm startup customer customers client clients user users team teams tenant tenants department departments people
person employee employees engineer developer developers staff manager management cfo ceo cto boss board investor
investors stakeholder stakeholders colleague colleagues finance accounting invoicing billing budgeting planning
reporting analysis review reviews meeting presentation audit forecast summary overview report reports chart charts
table list detail details example examples number numbers figure figures value values amount amounts level levels
kind kinds type types sort sorts way ways part parts piece pieces thing things stuff case cases reason reasons cause
causes question questions answer answers reply replies response responses message messages prompt prompts input inputs
output outputs token tokens text texts word words sentence sentences instruction instructions context conversation
conversations session sessions document documents task tasks job jobs workload workloads operation operations model
models provider providers vendor vendors key keys feature features usage traffic load volume demand activity inference
generation generations embedding embeddings completion completions streaming caching cache throughput capacity latency
speed performance quality reliability availability accuracy error errors failure failures retry retries timeout
timeouts problem problems issue issues cost costs price prices pricing spend spending money bill bills budget saving
savings profit margin dollar dollars usd eur euro euros cent cents percent percentage share shares total totals average
averages median mean maximum minimum general particular common practice fact principle theory place order turn advance
time times minute minutes hour hours day days week weeks month months quarter quarters year years period periods
date dates moment moments launch peak peaks top bottom rest end beginning scale depth line lines row rows column
columns file files data dataset export exports csv sheet log logs request requests call calls query queries record
records entry entries world life hand hands side sides good bad better best worse worst big bigger biggest large larger
largest small smaller smallest high higher highest low lower lowest long longer longest short shorter shortest fast
faster fastest slow slower slowest new newer newest old older cheap expensive dear right wrong true false free full
empty simple easy hard difficult different similar single several own real available possible likely sure fine ok okay
normal typical usual regular heavy light hot cold main major minor key overall individual current recent previous
public private internal external paid possible terrible awful horrible crazy insane ridiculous huge enormous massive
great nice important relevant interesting useful dumb stupid smart please thanks thank hello hi hey pls plz lol
much less equal level average worth worthwhile ready able due responsible driven based related compared according
behind involved affected responsible waste wasted used unused happening causing driving breaking burning eating
growing rising falling changing spending paying costing using
front sizing project projects hidden steep hefty unit infra infrastructure cloud compute genai gen ml storage variable
fixed net gross extra additional quick deep rough complete thorough brief request per analyse analyze investigate examine
check dig audit visualise visualize calculate compute display produce generate prepare create build write draw plot
inspect evaluate assess identify determine estimate quantify track monitor optimise optimize reduce lower cut minimize
minimise improve understand clarify rank sort split divide attribute holdfast json pdf excel markdown instance
sake purpose purposes comparison benchmark course risk trouble setup stack pipeline pipelines interest concern optimization
optimisation improvement improvements reduction thousands millions million thousand compliance necessary needed planned
budgeted scratch ferrari bakery car`,
)

/** Words that a sentence is made of, whatever it speaks of, and those that speak for a playbook. */
export function isGrammar(word: string): boolean {
  return grammar.has(word) || isSpelt(word) || isSpelt(stem(word))
}

/** Long enough that a slip of the pen is likelier than a name that looks alike. */
const slipLength = 6

/** A word that is no name, so that "for" before it limits nothing: "for everything", "of our models". */
export function isOrdinary(word: string): boolean {
  const root = stem(word)
  if (isGrammar(word) || nouns.has(word) || nouns.has(root) || grammar.has(root)) return true
  if (word.length > 4 && word.endsWith('ly')) return true
  if (word.includes('-') && !/\d/u.test(word))
    return word.split('-').every((part) => part === '' || isOrdinary(part))
  return (
    word.length >= slipLength && [...nouns].some((noun) => noun.length > slipLength && nearlySame(word, noun))
  )
}
