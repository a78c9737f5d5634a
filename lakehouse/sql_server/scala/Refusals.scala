package lakehouse.sql

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.catalyst.CurrentUserContext
import org.apache.spark.sql.catalyst.analysis._
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.execution.command.{CreateViewCommand, DescribeQueryCommand, ExplainCommand}

/** A statement that the role of this server does not allow; the sentence is for who sent it. */
final class Refused(sentence: String) extends RuntimeException(sentence) {
  override def toString: String = s"not allowed: $sentence"
}

/** What a statement of a role may be, by its parsed plan: whatever is not known to be harmless is refused. */
final class Refusals(role: String) {
  import Refusals._

  private val isAnalyst = role == "analyst"

  /** @throws Refused the statement is none of the role's. */
  def check(session: SparkSession, plan: LogicalPlan): Unit = everything(plan).foreach { node =>
    node match {
      case _: ScriptTransformation => refuse("TRANSFORM, which runs programs,")
      case _: InsertIntoDir => refuse("writing files (INSERT DIRECTORY)")
      case _: PlanWithUnresolvedIdentifier => refuse("a name that is worked out (IDENTIFIER)")
      case _: RelationTimeTravel if isAnalyst => refuse("reading a table as it was (time travel)")
      case function: UnresolvedTableValuedFunction if isAnalyst =>
        val name = function.name.last.toLowerCase
        if (!harmlessTables(name)) refuse(s"the table function $name")
      case view: CreateViewCommand =>
        if (isAnalyst) refuse("making a view")
        if (view.viewType.toString != "LocalTempView") refuse(s"a ${view.viewType} (a temporary view is open to you)")
      case insert: InsertIntoStatement =>
        if (isAnalyst) refuse("writing (INSERT)")
        mayWrite(session, insert, Seq(insert.table))
      case command if isCommand(command) =>
        val name = kind(command)
        if (!reading(name)) {
          if (isAnalyst || !writing.contains(name)) refuse(said(command))
          mayWrite(session, command, command.children.take(1))
        }
      case _ =>
    }
    node.expressions.foreach(_.foreach {
      case function: UnresolvedFunction if reflective(function.nameParts.last.toLowerCase) =>
        refuse(s"${function.nameParts.last}, which calls Java,")
      case _: ExpressionWithUnresolvedIdentifier => refuse("a name that is worked out (IDENTIFIER)")
      case _ =>
    })
  }

  private def refuse(what: String): Nothing = throw new Refused(
    if (isAnalyst) s"$what is not open to analysts; this server answers SELECT, SHOW and DESCRIBE over schema gold"
    else s"$what is not open to engineers; this server reads every schema and writes Delta tables and views in ${own(user)}"
  )

  /** The targets of a writing command lie in the user's own schema, and at no place that the user chose. */
  private def mayWrite(session: SparkSession, command: LogicalPlan, targets: Seq[LogicalPlan]): Unit = {
    val mine = own(user)
    def allow(parts: Seq[String]): Unit = {
      val name = withoutCatalog(parts)
      val schema = if (name.length > 1) name.head else session.sessionState.catalog.getCurrentDatabase
      val isTemporary = name.length == 1 && session.sessionState.catalog.getTempView(name.head).isDefined
      if (name.length > 2 || (schema.toLowerCase != mine && !isTemporary)) throw new Refused(
        s"${parts.mkString(".")} is not yours to change: you may write in schema $mine only")
    }
    targets.map(unaliased).foreach {
      case one: UnresolvedRelation => allow(one.multipartIdentifier)
      case one: UnresolvedIdentifier => allow(one.nameParts)
      case one: UnresolvedTable => allow(one.multipartIdentifier)
      case one: UnresolvedTableOrView => allow(one.multipartIdentifier)
      case one: UnresolvedView => allow(one.multipartIdentifier)
      case one: UnresolvedNamespace =>
        if (withoutCatalog(one.multipartIdentifier).map(_.toLowerCase) != Seq(mine)) throw new Refused(
          s"schema ${one.multipartIdentifier.mkString(".")} is not yours to change: yours is $mine")
      case _ => refuse(said(command))
    }
    command match {
      case RenameTable(_, name, _) => allow(if (name.length == 1) mine +: name else name)
      case CreateTable(_, _, _, spec, _) => placed(spec)
      case ReplaceTable(_, _, _, spec, _) => placed(spec)
      case made: CreateTableAsSelect => placed(made.tableSpec)
      case made: ReplaceTableAsSelect => placed(made.tableSpec)
      case CreateNamespace(_, _, properties) if properties.keys.exists(_.toLowerCase.contains("location")) =>
        refuse("a place of your own choice (LOCATION)")
      case _ =>
    }
  }

  private def placed(spec: TableSpecBase): Unit = {
    val options = spec match {
      case given: UnresolvedTableSpec => given.optionExpression.options.map(_._1.toLowerCase)
      case given: TableSpec => given.options.keys.map(_.toLowerCase).toSeq
    }
    if (spec.location.isDefined || options.contains("path")) refuse("a place of your own choice (LOCATION)")
    if (spec.provider.exists(_.toLowerCase != "delta")) refuse(s"a table that is no Delta table (USING ${spec.provider.get})")
  }
}

object Refusals {
  val reflective: Set[String] = Set("reflect", "java_method", "try_reflect")
  private val harmlessTables =
    Set("range", "explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "inline_outer", "stack", "json_tuple")
  private val reading = Set(
    "ShowTables", "ShowTableExtended", "ShowViews", "ShowNamespaces", "ShowColumns", "ShowFunctions",
    "ShowTableProperties", "ShowCurrentNamespaceCommand", "ShowCatalogsCommand", "DescribeRelation", "DescribeColumn",
    "DescribeNamespace", "DescribeFunction", "DescribeQueryCommand", "ExplainCommand", "SetNamespaceCommand",
    "SetCatalogAndNamespace", "Listing")
  private val writing = Set(
    "CreateTable", "CreateTableAsSelect", "ReplaceTable", "ReplaceTableAsSelect", "CreateView", "CreateNamespace",
    "DropNamespace", "DropTable", "DropView", "RenameTable", "TruncateTable", "MergeIntoTable", "DeleteFromTable",
    "UpdateTable", "DeltaMergeInto", "AddColumns", "AlterColumn", "ReplaceColumns", "RenameColumn", "DropColumns",
    "SetTableProperties", "UnsetTableProperties", "SetViewProperties", "CommentOnTable", "CommentOnNamespace",
    "AlterTableAddConstraint", "AlterTableDropConstraint", "AlterViewAs")

  /** Who sent the statement. */
  def user: String = Option(CurrentUserContext.CURRENT_USER.get).getOrElse("")

  /** The schema that is a person's own. */
  def own(user: String): String = "dev_" + user.toLowerCase.replaceAll("[^a-z0-9_]", "_")

  def withoutCatalog(parts: Seq[String]): Seq[String] =
    if (parts.length > 1 && parts.head.toLowerCase == "spark_catalog") parts.tail else parts

  /** A plan and all plans in it, those of subqueries, common table expressions and explained statements too. */
  def everything(plan: LogicalPlan): Seq[LogicalPlan] = {
    val within = plan match {
      case explained: ExplainCommand => Seq(explained.logicalPlan)
      case described: DescribeQueryCommand => Seq(described.plan)
      case insert: InsertIntoStatement => Seq(insert.table)
      case _ => Nil
    }
    val inner = plan.innerChildren.collect { case one: LogicalPlan => one }
    val subqueries = plan.expressions.flatMap(_.collect { case one: SubqueryExpression => one.plan })
    plan +: (plan.children ++ inner ++ within ++ subqueries).flatMap(everything)
  }

  private def unaliased(plan: LogicalPlan): LogicalPlan = plan match {
    case SubqueryAlias(_, child) => unaliased(child)
    case other => other
  }

  def isCommand(plan: LogicalPlan): Boolean = plan match {
    case _: Command | _: ParsedStatement => true
    case _ => plan.getClass.getName.contains(".command") || kind(plan).endsWith("Statement") || kind(plan).endsWith("Command")
  }

  private def kind(plan: LogicalPlan): String = plan.getClass.getSimpleName.stripSuffix("$")

  /** `SetCommand` -> "SET", `AddJarsCommand` -> "ADD JARS". */
  private def said(plan: LogicalPlan): String =
    kind(plan).stripSuffix("Command").stripSuffix("Statement").replaceAll("(?<=[a-z])(?=[A-Z])", " ").toUpperCase
}
